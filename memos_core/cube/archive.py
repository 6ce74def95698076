"""A cube as one zip file, read with nothing left to chance.

Only the form that `write` makes is read: the manifest and the five files, in this order, one right after the other from
the first byte to the last, stored or deflated, with plain headers. Whatever can hide in a zip (other names, links,
overlaps, two stories in two headers, data before or after, encryption, zip64, extra fields) is refused before a byte of
it is unpacked, and what is unpacked never exceeds what the manifest says. Nothing is ever written by reading.

Source of the format: PKWARE, .ZIP File Format Specification (APPNOTE.TXT) 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from memos_core.cube.manifest import MAX_MANIFEST, MAX_TOTAL
from memos_core.cube.shape import FILES, MANIFEST
from memos_core.errors import CubeCorrupt

MEMBERS = (MANIFEST, *FILES)
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_MAX_DIRECTORY = 1024
_MAX_RATIO = 300
"""Deflated JSON lines shrink to a tenth; what shrinks to less than a three-hundredth is no cube."""
_CHUNK = 1 << 16
_FILE_MODE = 0o100600 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: where its bytes begin, how many there are packed and unpacked."""

    name: str
    start: int
    packed: int
    size: int
    deflated: bool
    crc: int


def write(folder: Path, target: BinaryIO) -> None:
    """The files of a folder as an archive: the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
        for name in MEMBERS:
            header = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            header.compress_type, header.create_system, header.external_attr = zipfile.ZIP_DEFLATED, 3, _FILE_MODE
            header.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(header, "w") as packed:
                while chunk := source.read(_CHUNK):
                    packed.write(chunk)


def members(file: BinaryIO) -> dict[str, Member]:
    """What is in the archive, after its structure was checked against that of `write`."""
    end = file.seek(0, 2)
    _hold(end <= MAX_TOTAL, "is too large; unpacked in a folder a cube may be larger")
    _hold(end >= _END.size, "is too short")
    file.seek(end - _END.size)
    signature, disk, start_disk, here, count, size, offset, comment = _END.unpack(file.read(_END.size))
    _hold(signature == b"PK\5\6" and comment == 0, "does not end as an archive does: something follows it, or it was cut")
    _hold((disk, start_disk) == (0, 0) and here == count == len(MEMBERS), "does not hold the files that there must be")
    _hold(size <= _MAX_DIRECTORY and offset + size + _END.size == end, "has a directory of the wrong size")
    file.seek(offset)
    directory = file.read(size)
    found: dict[str, Member] = {}
    at = place = 0
    for name in MEMBERS:
        member, at, place = _member(file, directory, at, place, name)
        found[name] = member
    _hold(at == size and place == offset, "has gaps, or something hidden between its files")
    return found


def _member(file: BinaryIO, directory: bytes, at: int, place: int, name: str) -> tuple[Member, int, int]:
    """The next file: its entry in the directory and its header must tell the same."""
    _hold(len(directory) >= at + _CENTRAL.size, "has a directory that was cut")
    fields = _CENTRAL.unpack_from(directory, at)
    signature, _, needs, flags, method, time, day, crc, packed, size, name_size, extra, comment, disk, _, mode, offset = fields
    at += _CENTRAL.size
    _hold(signature == b"PK\1\2" and directory[at : at + name_size] == name.encode(), f"does not have {name} where it must be")
    _hold(flags == 0 and needs <= 20 and method in (0, 8), f"packs {name} in a way that is not allowed (encrypted, streamed or unknown)")
    _hold(extra == comment == disk == 0 and (mode >> 28) in (0, 8) and not mode & 0x10, f"says more of {name} than that it is a file")
    _hold(offset == place, f"does not have {name} right after what comes before it")
    limit = MAX_MANIFEST if name == MANIFEST else MAX_TOTAL
    _hold(size <= limit and size <= max(packed * _MAX_RATIO, 1 << 16), f"says that {name} unpacks to {size:,} bytes, which is not believed")
    _hold(method == 8 or size == packed, f"tells two sizes of {name}")
    file.seek(offset)
    header = file.read(_LOCAL.size)
    expected = _LOCAL.pack(b"PK\3\4", needs, flags, method, time, day, crc, packed, size, name_size, 0)
    _hold(header == expected and file.read(name_size) == name.encode(), f"tells two stories of {name}")
    start = offset + _LOCAL.size + name_size
    return Member(name, start, packed, size, method == 8, crc), at + name_size, start + packed


def chunks(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """A file's bytes, piece by piece, never more than it says."""
    unpack = zlib.decompressobj(-15) if member.deflated else None
    size = crc = 0
    for piece in _unpacked(file, member, unpack):
        size += len(piece)
        _hold(size <= member.size, f"unpacks {member.name} to more than it says")
        crc = zlib.crc32(piece, crc)
        yield piece
    whole = unpack is None or (unpack.eof and not unpack.unused_data)
    _hold(whole and size == member.size and crc == member.crc, f"does not unpack {member.name} to what it says")


def _unpacked(file: BinaryIO, member: Member, unpack: zlib._Decompress | None) -> Iterator[bytes]:
    place, end = member.start, member.start + member.packed
    while place < end:
        file.seek(place)
        packed = file.read(min(end - place, _CHUNK))
        _hold(bool(packed), f"was cut in the middle of {member.name}")
        place += len(packed)
        if unpack is None:
            yield packed
        else:
            yield from _inflated(unpack, packed, member.name)
    if unpack is not None:
        yield from _inflated(unpack, b"", member.name)


def _inflated(unpack: zlib._Decompress, packed: bytes, name: str) -> Iterator[bytes]:
    """What these packed bytes give, at most a MiB at a time; with none, what is still held back."""
    _hold(not (packed and unpack.eof), f"has something after the end of {name}")
    try:
        piece = unpack.decompress(packed, 1 << 20)
        while piece or unpack.unconsumed_tail:
            yield piece
            piece = unpack.decompress(unpack.unconsumed_tail, 1 << 20)
    except zlib.error as exc:
        raise CubeCorrupt(f"The archive is damaged in {name}: {exc}. Nothing was loaded.") from exc


def _hold(holds: bool, problem: str) -> None:
    if not holds:
        raise CubeCorrupt(f"The archive {problem}. Nothing was loaded.")
