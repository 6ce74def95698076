"""What the verbs give back, read like the sequences that they are."""

from __future__ import annotations

import pytest

from memos_core import MOS


def test_a_page_is_indexed_like_what_a_search_found(mos: MOS) -> None:
    mos.add("Tea at noon.", user_id="u")
    mos.add("Tea at night.", user_id="u")
    page, found = mos.list(user_id="u"), mos.search("tea", user_id="u")
    assert len(page) == len(found) == 2
    assert [page[0], page[-1]] == list(page) == list(page.items) and [found[0], found[-1]] == list(found)
    for one in (page, found):
        with pytest.raises(IndexError):
            one[2]
