"""Tool calls and what came back, as one memory each."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence

from memos_core.model.memory import MemoryType, Trust
from memos_core.model.message import Draft, Message, ToolCall
from memos_core.reader.parts import result_text
from memos_core.reader.recalled import fresh
from memos_core.reader.secrets import arguments_without_secrets, without_secrets

MAX_ARGUMENTS, MAX_RESULT = 400, 1200
"""Characters of a call's arguments and of its result that are remembered; the message keeps the whole."""
_READ = 20_000


class _Waiting:
    """Calls that wait for their results, in the order they were made."""

    def __init__(self) -> None:
        self._calls: list[tuple[int, ToolCall]] = []
        self._queues: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._taken: set[int] = set()

    def add(self, nr: int, call: ToolCall) -> None:
        for key in (("id", call.id), ("name", call.name), ("any", "")):
            self._queues[key].append(len(self._calls))
        self._calls.append((nr, call))

    def take(self, call_id: str, name: str | None) -> ToolCall | None:
        """The call that a result answers: by id; without one by name; without that the oldest."""
        queue = self._queues[("id", call_id) if call_id else ("name", name) if name else ("any", "")]
        while queue:
            place = queue.popleft()
            if place not in self._taken:
                self._taken.add(place)
                return self._calls[place][1]
        return None

    def rest(self) -> list[tuple[int, ToolCall]]:
        return [call for place, call in enumerate(self._calls) if place not in self._taken]


def trajectories(messages: Sequence[Message], own: Callable[[str], bool] | None) -> tuple[list[Draft], list[str]]:
    """A draft for each result, with its call where that was made in the same list; and what was not learnt."""
    waiting = _Waiting()
    drafts: list[Draft] = []
    skipped: list[str] = []
    for nr, message in enumerate(messages):
        for made in message.tool_calls:
            waiting.add(nr, made)
        for call_id, result in _results(message):
            call = waiting.take(call_id, message.name)
            taken = fresh(result[:_READ], own)
            if taken is not None:
                skipped.append(f"message {nr}: recalled text")
                result = "\n".join(result[start:end] for start, end in taken.pieces)
            if not result.strip():
                continue
            drafts.append(_draft(nr, call, call_id, message.name, result))
    skipped.extend(f"message {nr}: the call of {call.name[:60]} has no result yet" for nr, call in waiting.rest())
    return drafts, skipped


def _results(message: Message) -> Iterator[tuple[str, str]]:
    """What came back: the message itself when a tool said it, else its parts that are results."""
    content = message.raw.get("content") if message.raw is not None else None
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_result"] if isinstance(content, list) else []
    if parts:
        for part in parts:
            yield str(part.get("tool_use_id") or ""), result_text(part.get("content"))
    elif message.role == "tool":
        yield message.tool_call_id or "", message.content


def _draft(nr: int, call: ToolCall | None, call_id: str, said_by: str | None, result: str) -> Draft:
    name = call.name if call else said_by or ""
    arguments = _short(arguments_without_secrets(call.arguments[:_READ]), MAX_ARGUMENTS) if call else "..."
    outcome = _short(without_secrets(result[:_READ]), MAX_RESULT)
    facts = {"tool": name, "tool_call_id": call_id or (call.id if call else "")}
    return Draft(
        text=f"tool {name}({arguments}) -> {outcome}" if name else f"tool -> {outcome}",
        message=nr,
        memory_type=MemoryType.TOOL_TRAJECTORY,
        trust=Trust.TOOL,
        info={key: value for key, value in facts.items() if value},
    )


def _short(text: str, limit: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "\u2026"
