"""What the tour reads and asks: the conversation and the questions that lie beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

USER, GUEST = "maya", "lin"
"""Who asks, and a guest whose memory is erased at the end."""

SECRET = "Marderzahn88"
SECRET_QUERY = "What is the password of the camera in the shed?"

FACT, FACT_QUERY = "s10-16", "When do we meet the farmer in Dölitz?"
NEW_FACT = "The farmer in Dölitz has moved it: we meet on the 19th of February at four in the afternoon, in his kitchen."

GUEST_SAYS = (
    {
        "id": "lin-1",
        "role": "user",
        "name": "Lin Yue",
        "content": "My flight lands in Frankfurt on the 8th of May. It's a surprise.",
    },
    {"id": "lin-2", "role": "user", "name": "Lin Yue", "content": "我给弗里达做了一面小旗子,蓝色的,上面有一只鹭。"},
    {"id": "lin-3", "role": "user", "name": "Lin Yue", "content": "Remind me to bring the Longjing tea for Mrs Kupfer."},
)
GUEST_QUERY = "When does Lin Yue's flight land in Frankfurt?"
GUEST_MARK = "Longjing"


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation, its messages in the shape of OpenAI's chat messages."""

    id: str
    title: str
    messages: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A year of talk."""

    title: str
    people: tuple[str, ...]
    assistant: str
    sessions: tuple[Session, ...]

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return sum(len(session.messages) for session in self.sessions)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the messages that answer it; without any, nobody ever said it.

    `older` are messages that once answered it; what replaced them must stand above them.
    """

    id: str
    kind: str
    ask: str
    evidence: tuple[str, ...]
    older: tuple[str, ...] = ()


def conversation() -> Conversation:
    """The conversation that ships with the package."""
    raw = _load("conversation.json")
    sessions = tuple(Session(part["id"], part["title"], tuple(part["messages"])) for part in raw["sessions"])
    return Conversation(raw["title"], tuple(raw["people"]), raw["assistant"], sessions)


def questions() -> tuple[Question, ...]:
    """The dozen questions."""
    return tuple(
        Question(raw["id"], raw["kind"], raw["ask"], tuple(raw["evidence"]), tuple(raw.get("older", ()))) for raw in _load("questions.json")
    )


def _load(name: str) -> Any:
    return json.loads((files(__package__) / name).read_text(encoding="utf-8"))
