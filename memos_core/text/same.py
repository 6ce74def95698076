"""When two texts are the same text: the form whose digest exact duplicates share."""

from __future__ import annotations

import unicodedata

_TRAILING = " .!,;:\u2026\u3002\u3001"


def same_words(text: str) -> str:
    """The text without what makes no difference: NFKC, folded case, single spaces, no trailing full stops and the like.

    A question mark stays: "he moved?" and "he moved." do not say the same.
    """
    if text.isascii():
        plain = " ".join(text.lower().split())
    else:
        folded = unicodedata.normalize("NFKC", text).casefold()
        plain = " ".join(unicodedata.normalize("NFKC", folded).split())
    return plain.rstrip(_TRAILING) or plain
