"""Unique words everywhere a memory may keep something; erased; then looked for in every verb and in every byte of the folder.

    python -m tests.faults.canaries --rounds 40
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memos_core import MOS, MemosError, Settings
from memos_core.testing.embedder import HashEmbedder
from memos_core.text.words import analyse, code

WAYS = ("ids", "filter", "everything")


@dataclass
class Verdict:
    """What was looked for, and where something was left."""

    canaries: int = 0
    receipts: int = 0
    left: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)
    neighbours: int = 0
    """Memories that must still be there."""


class Planter:
    """Words that stand nowhere else, and the names of the places where they were put."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.planted: dict[str, str] = {}

    def word(self, place: str) -> str:
        """A new one."""
        word = "zq" + "".join(self._chance.choices("bcdfghjklmnprstvw", k=14))
        self.planted[word] = place
        return word


def opened(folder: Path) -> MOS:
    """A folder with its key in the settings, and vectors."""
    return MOS(str(folder), settings=Settings(durability="normal", audit_key="k" * 32, embedder="none"), embedder=HashEmbedder())


def plant(mos: MOS, plant: Planter, way: str) -> tuple[str, list[str]]:
    """A person with canaries in everything; their user_id and the ids of their memories."""
    word = plant.word
    user = word("user_id") if way == "everything" else f"user-{way}"
    session = word("session_id")
    ids: list[str] = []

    def add(content: Any, **given: Any) -> list[str]:
        more = mos.add(content, user_id=user, info={word("info key"): word("info value"), "go": True}, **given).memory_ids
        ids.extend(more)
        return list(more)

    add(f"The {word('text')} is in the garden.", tags=[word("tag")])
    add([{"role": "user", "content": f"I am {word('message')}.", "name": word("speaker"), "id": word("message id"),
          "extra": {word("raw key"): word("raw value")}, "chat_time": "2026-01-05T10:00:00Z"},
         {"role": "user", "content": f"Yes, {word('short turn')}.", "chat_time": "2026-01-05T10:00:05Z"}], session_id=session)  # fmt: skip
    call = word("call id")
    add([{"role": "assistant", "content": "", "tool_calls": [{"id": call, "type": "function", "function": {
            "name": word("tool"), "arguments": json.dumps({word("argument key"): word("argument")})}}]},
         {"role": "tool", "tool_call_id": call, "content": f"It is {word('tool result')}."}], session_id=session)  # fmt: skip
    first = add(f"The {word('first version')} was here.")[0]
    mos.update(first, text=f"The {word('second version')} is here.", info={word("new info"): 1, "go": True}, user_id=user)
    mos.update(first, tags=[word("new tag")], user_id=user)
    old = add(f"The {word('archived')} was put away.")[0]
    mos.delete(old, user_id=user)
    again = f"The {word('said again')} is said twice."
    add(again)
    ids += mos.add(again.upper(), user_id=user, session_id=session).memory_ids
    edited = word("edited message")
    add([{"role": "user", "content": f"It was {word('before the edit')}.", "id": edited}], session_id=session)
    add([{"role": "user", "content": f"It is {word('after the edit')} instead.", "id": edited}], session_id=session)
    add("# A document\n\n" + "\n\n".join(f"Passage {n} tells of {word('document')} at length. " + "It goes on. " * 60 for n in range(3)))
    if way == "everything":
        mos.records.put((word("record namespace"),), word("record key"), {word("record field"): word("record value")}, user_id=user)
        mos.cubes.create(word("cube name"), user_id=user)
        mos.add(f"asked as {word('asked')}", user_id=user, request_id=word("request id"))
    return user, list(dict.fromkeys(ids))


def erase(mos: MOS, way: str, user: str, ids: list[str]) -> Any:
    """In one of three ways."""
    if way == "ids":
        return mos.erase(ids, user_id=user)
    if way == "filter":
        # An update that leaves `info.go` out would leave its memory out, too.
        return mos.erase(filter={"user_id": user}, user_id=user)
    return mos.erase(everything=True, user_id=user)


def residue(folder: Path, words: dict[str, str]) -> list[str]:
    """Every file's raw bytes against every word: as UTF-8, UTF-16, in JSON's escapes, and as the index codes it."""
    left = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        for word, place in words.items():
            if word.encode() in content or word.encode("utf-16-le") in content or word.upper().encode() in content:
                left.append(f"{place} in {path.name}")
            elif any(code(term).to_bytes(4, "little") in content for term in analyse(word) if code(term) > 1 << 24):
                left.append(f"the code of {place} in {path.name}")
    return left


def asked(mos: MOS, user: str, words: dict[str, str], ids: list[str]) -> list[str]:
    """Every verb that reads, by whoever could have read it."""
    left = []
    told = [repr(mos.list(user_id=user, limit=1000).items), repr(mos.sessions.messages(user_id=user, limit=1000).items),
            repr(mos.sessions.list(user_id=user).items), repr(mos.cubes.list(user_id=user).items),
            repr(mos.records.search(user_id=user, limit=100).items), repr(mos.records.namespaces(user_id=user)),
            repr(mos.tasks.list().items)]  # fmt: skip
    for word, place in words.items():
        # Near vectors may bring neighbours: what counts is what their memories say.
        told.append(repr([hit.memory for hit in mos.search(word, user_id=user, top_k=50) if word != user]))
        for one in told:
            if word in one.replace(f"'{user}'", "") and place != "user_id":
                left.append(f"{place} is told by a verb")
    for one in ids:
        for verb in (mos.get, mos.history, mos.restore):
            try:
                verb(one, user_id=user)
                left.append(f"{verb.__name__} of an erased memory")
            except MemosError:
                pass
    return left


def run(rounds: int, seed: int = 0) -> Verdict:
    """Each round: a folder with a bystander and one person for each way of erasing."""
    verdict = Verdict()
    for nr in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "memory"
            with opened(folder) as mos:
                one_folder(mos, folder, Planter(seed + nr), verdict)
    return verdict


def one_folder(mos: MOS, folder: Path, planter: Planter, verdict: Verdict) -> None:
    """Plant, erase, look."""
    kept = mos.add([f"The bystander keeps thing {n}." for n in range(5)], user_id="bystander").memory_ids
    people = {way: plant(mos, planter, way) for way in WAYS}
    mos.wait(60)
    everyone = dict(planter.planted)
    missing = set(everyone.values()) - {what.split(" in memory.db")[0] for what in _seen(mos, folder, everyone)}
    assert not missing, f"never written, so nothing is proven: {missing}"
    for way, (user, ids) in people.items():
        receipt = erase(mos, way, user, ids)
        verdict.receipts += 1
        verdict.not_done += [f"{way}: {store} {said}" for store, said in receipt.stores.items() if said != "done"]
    mos.wait(60)
    verdict.canaries += len(everyone)
    for user, ids in people.values():
        verdict.left += asked(mos, user, everyone, ids)
    verdict.left += residue(folder, everyone)
    verdict.left += [f"{finding.where}: {finding.what}" for finding in mos._handle.engines.ledger.verify()]
    verdict.neighbours += len([one for one in kept if mos.get(one, user_id="bystander").text])


def _seen(mos: MOS, folder: Path, words: dict[str, str]) -> list[str]:
    """Before anything is erased, every word stands in the file: or its absence afterwards would mean nothing."""
    mos._handle.engines.ledger.checkpoint(truncate=True)
    return [what for what in residue(folder, words) if "the code" not in what]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(vars(run(given.rounds, given.seed))))


if __name__ == "__main__":
    main()
