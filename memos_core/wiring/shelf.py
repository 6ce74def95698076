"""What was just read, kept as long as it is true: who may see what, and memories that were found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from memos_core.governance.access import Standing
from memos_core.ledger.freshness import Mark
from memos_core.model.memory import Memory
from memos_core.model.scope import Asker

_MOST = 4096
Kept = tuple[int, Memory, Mark | None]
"""The number of its cube, the memory, and the mark it had when it was read."""


@dataclass(slots=True)
class Moment:
    """Between two commits, everything read stays true. `found` holds memories by number; `before` those of moments before,
    which may have changed. `position` is the newest transaction of the audit when the moment began."""

    number: int
    position: int = -1
    standing: dict[Asker, Standing] = field(default_factory=dict)
    found: dict[int, Kept] = field(default_factory=dict)
    before: dict[int, Kept] = field(default_factory=dict)

    def keep(self, number: int, cube: int, memory: Memory, mark: Mark | None = None) -> None:
        """Keep a memory, and not too many."""
        if len(self.found) >= _MOST:
            self.found.clear()
        self.found[number] = (cube, memory, mark)

    def renew(self, marks: Mapping[int, Mark]) -> None:
        """What was found in moments before and bears the same mark now is true now."""
        for number, mark in marks.items():
            kept = self.before.get(number)
            if kept is not None and kept[2] == mark:
                self.keep(number, *kept)

    def after_adds(self, number: int, position: int) -> Moment:
        """The next moment, where nothing but adds lies between: who was known may see what they could see."""
        standing = {asker: seen for asker, seen in dict(self.standing).items() if _known(asker, seen)}
        if len(self.before) + len(self.found) > _MOST:
            return Moment(number, position, standing, {}, self.found)
        self.before.update(dict(self.found))  # who still reads by this moment compares marks, too
        return Moment(number, position, standing, {}, self.before)


def _known(asker: Asker, seen: Standing) -> bool:
    return (asker.user_id is None or seen.user != 0) and (asker.agent_id is None or seen.agent != 0)


class Shelf:
    """The current moment: a new one after every commit of any process, and an empty one where more was done than adding.

    `since` gives the newest transaction of the audit, and whether all after a given one were adds. What stands on the shelf
    is never changed but by transactions that the audit names; other commits (vectors, tasks) leave it as it is.
    """

    def __init__(self, moment: Callable[[], int], since: Callable[[int], tuple[int, bool]] | None = None) -> None:
        self._number, self._since = moment, since
        self._moment = Moment(-1)

    def now(self) -> Moment:
        """What holds now. To be asked before the book is opened: what is read then is at least as new."""
        number, moment = self._number(), self._moment
        if moment.number == number:
            return moment
        if self._since is None:
            self._moment = Moment(number)
            return self._moment
        position, adds = self._since(moment.position)
        if position == moment.position:
            moment.number = number
            return moment
        self._moment = moment.after_adds(number, position) if adds and moment.position >= 0 else Moment(number, position)
        return self._moment
