"""Whether a text ends by asking somebody something: then it tells little itself, and what it asks stands in the answer."""

from __future__ import annotations

_MARKS = ("?", "？", "؟")
_ENDS = ".!?。！？؟\n"
_AFTER = " \t\r\n\"'”’»)]*_"
_SHARE = 3


def ends_asking(text: str) -> bool:
    """Whether the last sentence is a question that makes at least a third of the text: "We moved to a house by the lake last
    spring. How about you?" tells something, "Nice! What did you plant there?" does not."""
    body = text.rstrip(_AFTER)
    if not body.endswith(_MARKS):
        return False
    body = body.lstrip()
    bare = body.rstrip(_ENDS)
    start = max(map(bare.rfind, _ENDS)) + 1
    return (len(body) - start) * _SHARE >= len(body)
