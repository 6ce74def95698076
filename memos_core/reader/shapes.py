"""The shapes that chat programs write: how each is recognised, and what was said in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One message as a shape gives it; `more` are further fields of a chat message, `raw` the file's own JSON."""

    role: str | None
    content: Any
    name: str | None = None
    id: str | None = None
    at: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)
    raw: Any = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as a shape gives it."""

    session_id: str
    title: str
    messages: Iterable[Said]


@dataclass(frozen=True, slots=True)
class MessageShape:
    name: str
    sniff: Callable[[Item], bool]
    read: Callable[[Item], Said]


@dataclass(frozen=True, slots=True)
class ConversationShape:
    """`read` is given what reads a loose message."""

    name: str
    sniff: Callable[[Item], bool]
    read: Callable[[Item, Callable[[Any], Said]], Iterable[Thread]]


_ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "client"), "user"),
    **dict.fromkeys(("assistant", "ai", "gpt", "chatgpt", "bot", "model", "claude", "bard", "aimessagechunk"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython"), "tool"),
    **{role: role for role in ("system", "developer")},
}


def _role(word: Any) -> tuple[str | None, str | None]:
    """The role, and the name of a speaker who is none of them."""
    if not isinstance(word, str) or not word.strip():
        return None, None
    known = _ROLES.get(word.strip().casefold())
    return (known, None) if known else ("user", word.strip())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(item: Item, *keys: str) -> str:
    """The first of these fields that is a string or a number."""
    return next((str(item[key]) for key in keys if isinstance(item.get(key), (str, int)) and item[key] != ""), "")


def _list(item: Item, key: str) -> bool:
    return isinstance(item.get(key), list)


# ---------------------------------------------------------------- messages


def _openai(item: Item) -> Said:
    role, name = _role(item.get("role"))
    more = {key: item[key] for key in ("tool_calls", "tool_call_id", "function_call") if item.get(key)}
    at = item.get("chat_time") or item.get("created_at") or item.get("timestamp") or item.get("create_time")
    return Said(role, item.get("content"), _text(item.get("name")) or name, _name(item, "id"), at, more, item)


def _langchain(item: Item) -> Said:
    inner = item["data"] if isinstance(item.get("data"), Mapping) else item
    role, name = _role(item.get("type"))
    more = {key: inner[key] for key in ("tool_calls", "tool_call_id") if inner.get(key)}
    return Said(role, inner.get("content"), _text(inner.get("name")) or name, _name(inner, "id"), None, more, item)


def _sharegpt(item: Item) -> Said:
    role, name = _role(item.get("from"))
    return Said(role, item.get("value"), name, raw=item)


def _speaker(item: Item) -> Said:
    key = "speaker" if "speaker" in item else "sender"
    role, name = _role(item.get(key))
    at = item.get("time") or item.get("timestamp") or item.get("date") or item.get("created_at")
    return Said(role, item.get("text"), name, _name(item, "dia_id", "id"), at, raw=item)


def _is_langchain(item: Item) -> bool:
    kind = item.get("type")
    return isinstance(kind, str) and kind.casefold() in _ROLES and (isinstance(item.get("data"), Mapping) or "content" in item)


def _is_openai(item: Item) -> bool:
    return isinstance(item.get("role"), str) and not {"content", "tool_calls", "function_call"}.isdisjoint(item)


MESSAGE_SHAPES = (
    MessageShape("OpenAI messages", _is_openai, _openai),
    MessageShape("LangChain messages", _is_langchain, _langchain),
    MessageShape("ShareGPT turns", lambda item: isinstance(item.get("from"), str) and "value" in item, _sharegpt),
    MessageShape(
        "speaker and text", lambda item: isinstance(item.get("text"), str) and not {"speaker", "sender"}.isdisjoint(item), _speaker
    ),
)

# ---------------------------------------------------------------- conversations


def _chatgpt(item: Item, _: Callable[[Any], Said]) -> list[Thread]:
    return [Thread(_name(item, "conversation_id", "id"), _name(item, "title"), map(_chatgpt_said, _branch(item)))]


def _branch(item: Item) -> list[Item]:
    """The messages from the root to the node that was open last; of a tree with none, along the newest children."""
    nodes: Mapping[str, Any] = {key: node for key, node in item["mapping"].items() if isinstance(node, Mapping)}
    last = item.get("current_node")
    here = last if isinstance(last, str) and last in nodes else _newest(nodes)
    path: list[Item] = []
    passed: set[str] = set()
    while isinstance(here, str) and here in nodes and here not in passed:
        passed.add(here)
        if isinstance(message := nodes[here].get("message"), Mapping):
            path.append(message)
        here = nodes[here].get("parent")
    return path[::-1]


def _newest(nodes: Mapping[str, Item]) -> str | None:
    """The leaf that the newest children lead to."""
    here = next((key for key, node in nodes.items() if not node.get("parent")), None)
    passed: set[str] = set()
    while here is not None and here not in passed:
        passed.add(here)
        children = nodes[here].get("children")
        known = [child for child in children if isinstance(child, str) and child in nodes] if isinstance(children, list) else []
        if not known:
            break
        here = known[-1]
    return here


def _chatgpt_said(message: Item) -> Said:
    author = message["author"] if isinstance(message.get("author"), Mapping) else {}
    content = message["content"] if isinstance(message.get("content"), Mapping) else {}
    metadata = message["metadata"] if isinstance(message.get("metadata"), Mapping) else {}
    role, _ = _role(author.get("role"))
    parts = content["parts"] if isinstance(content.get("parts"), list) else [content["text"]] if _text(content.get("text")) else []
    hidden = metadata.get("is_visually_hidden_from_user") or content.get("content_type") in ("thoughts", "user_editable_context")
    readable = [part if isinstance(part, str) else _asset(part) for part in parts]
    body = readable if any(readable) and not hidden else ""
    return Said(role, body, _text(author.get("name")) or None, _name(message, "id"), message.get("create_time"), raw=message)


def _asset(part: Any) -> Any:
    """A part that is no string, as a chat message's part: named, not read."""
    kind = part.get("content_type") if isinstance(part, Mapping) else None
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return part["text"]
    return {"type": kind if isinstance(kind, str) else "unknown"}


def _claude(item: Item, _: Callable[[Any], Said]) -> list[Thread]:
    turns = [turn for turn in item["chat_messages"] if isinstance(turn, Mapping)]
    return [Thread(_name(item, "uuid", "id"), _name(item, "name"), map(_claude_said, turns))]


def _claude_said(turn: Item) -> Said:
    role, name = _role(turn.get("sender"))
    parts = turn["content"] if isinstance(turn.get("content"), list) else []
    said = [part["text"] for part in parts if isinstance(part, Mapping) and part.get("type") == "text" and _text(part.get("text"))]
    files = turn["attachments"] if isinstance(turn.get("attachments"), list) else []
    read = [file["extracted_content"] for file in files if isinstance(file, Mapping) and _text(file.get("extracted_content"))]
    text = "\n".join(said) or _text(turn.get("text"))
    return Said(role, "\n\n".join([*([text] if text else []), *read]), name, _name(turn, "uuid"), turn.get("created_at"), raw=turn)


_SESSION = re.compile(r"session_(\d+)")


def _locomo(item: Item, _: Callable[[Any], Said]) -> Iterator[Thread]:
    talk = item["conversation"]
    sample = _name(item, "sample_id") or "conversation"
    numbers = sorted(int(found[1]) for key in talk if (found := _SESSION.fullmatch(key)) and _list(talk, key))
    for nr in numbers:
        at = talk.get(f"session_{nr}_date_time")
        turns = [turn for turn in talk[f"session_{nr}"] if isinstance(turn, Mapping)]
        yield Thread(f"{sample}:session_{nr}", f"{sample}, session {nr}", [_locomo_said(turn, at) for turn in turns])


def _locomo_said(turn: Item, at: Any) -> Said:
    speaker = _text(turn.get("speaker")) or None
    return Said("user", turn.get("text"), speaker, _name(turn, "dia_id"), at, raw=turn)


def _telegram(item: Item, _: Callable[[Any], Said]) -> list[Thread]:
    turns = [turn for turn in item["messages"] if isinstance(turn, Mapping) and turn.get("type") == "message"]
    return [Thread(f"telegram-{_name(item, 'id') or 'chat'}", _name(item, "name"), map(_telegram_said, turns))]


def _telegram_said(turn: Item) -> Said:
    text = turn.get("text")
    if isinstance(text, list):
        text = "".join(part if isinstance(part, str) else _text(part.get("text")) if isinstance(part, Mapping) else "" for part in text)
    return Said("user", text, _text(turn.get("from")) or None, _name(turn, "id"), turn.get("date_unixtime") or turn.get("date"), raw=turn)


def _telegram_all(item: Item, read: Callable[[Any], Said]) -> Iterator[Thread]:
    for chat in item["chats"]["list"]:
        if isinstance(chat, Mapping) and _list(chat, "messages"):
            yield from _telegram(chat, read)


def _is_telegram(item: Item) -> bool:
    first = item["messages"][0] if _list(item, "messages") and item["messages"] else None
    return isinstance(first, Mapping) and "date" in first and first.get("type") in ("message", "service")


def _is_telegram_export(item: Item) -> bool:
    return isinstance(item.get("chats"), Mapping) and _list(item["chats"], "list")


def _listed(key: str) -> Callable[[Item, Callable[[Any], Said]], Iterable[Thread]]:
    def read(item: Item, message: Callable[[Any], Said]) -> Iterable[Thread]:
        session = _name(item, "session_id", "conversation_id", "id")
        return [Thread(session, _name(item, "title", "name"), map(message, item[key]))]

    return read


CONVERSATION_SHAPES = (
    ConversationShape("ChatGPT export", lambda item: isinstance(item.get("mapping"), Mapping), _chatgpt),
    ConversationShape("Claude export", lambda item: _list(item, "chat_messages"), _claude),
    ConversationShape(
        "LoCoMo", lambda item: isinstance(item.get("conversation"), Mapping) and any(map(_SESSION.fullmatch, item["conversation"])), _locomo
    ),
    ConversationShape("Telegram chat", _is_telegram, _telegram),
    ConversationShape("Telegram export", _is_telegram_export, _telegram_all),
    ConversationShape('{"messages": [...]}', lambda item: _list(item, "messages"), _listed("messages")),
    ConversationShape("ShareGPT", lambda item: _list(item, "conversations"), _listed("conversations")),
)
