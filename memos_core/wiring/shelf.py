"""What was just read, kept as long as nobody has written: who may see what, and memories that were found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from memos_core.governance.access import Standing
from memos_core.model.memory import Memory
from memos_core.model.scope import Asker

_MOST = 4096


@dataclass(slots=True)
class Moment:
    """Between two commits, everything read stays true. `found` holds memories by number, with their cubes'."""

    number: int
    standing: dict[Asker, Standing] = field(default_factory=dict)
    found: dict[int, tuple[int, Memory]] = field(default_factory=dict)

    def keep(self, number: int, cube: int, memory: Memory) -> None:
        """Keep a memory, and not too many."""
        if len(self.found) >= _MOST:
            self.found.clear()
        self.found[number] = (cube, memory)


class Shelf:
    """The current moment; a new and empty one after every commit of any process."""

    def __init__(self, moment: Callable[[], int]) -> None:
        self._number = moment
        self._moment = Moment(-1)

    def now(self) -> Moment:
        """What holds now. To be asked before the book is opened: what is read then is at least as new."""
        number, moment = self._number(), self._moment
        if moment.number != number:
            moment = self._moment = Moment(number)
        return moment
