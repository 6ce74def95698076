"""Cubes made to do harm, each from the files of a good one."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memos_core.cube import archive
from memos_core.cube.shape import FILES, MANIFEST, line

NAMES = (MANIFEST, *FILES)
PICKLE = b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
Files = dict[str, bytes]
Hostile = Callable[[Files, Path], Path]
CASES: dict[str, Hostile] = {}


def case(name: str) -> Callable[[Hostile], Hostile]:
    def keep(make: Hostile) -> Hostile:
        assert name not in CASES
        CASES[name] = make
        return make

    return keep


def settled(files: Files) -> Files:
    """The files with a manifest that tells their sizes and digests, so that only what was meant is wrong."""
    manifest = json.loads(files[MANIFEST])
    for entry in manifest["files"]:
        entry["size"], entry["sha256"] = len(files[entry["name"]]), hashlib.sha256(files[entry["name"]]).hexdigest()
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def folder(files: Files, place: Path) -> Path:
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place


def packed(members: list[tuple[str, bytes]], place: Path, **more: Any) -> Path:
    """A zip of these members, through the standard library, with anything set on their headers."""
    with zipfile.ZipFile(place, "w", more.pop("method", zipfile.ZIP_DEFLATED)) as made:
        for name, content in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o100600 << 16, made.compression
            for key, value in more.items():
                setattr(info, key, value)
            made.writestr(info, content)
    return place


def ordered(files: Files) -> list[tuple[str, bytes]]:
    return [(name, files[name]) for name in NAMES]


def records(files: Files, name: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in files[name].splitlines()]


def lines(name: str, change: Callable[[list[Any]], Any]) -> Hostile:
    """A folder in which the records of one file were changed, with sizes, digests and counts that fit."""

    def make(files: Files, place: Path) -> Path:
        found = records(files, name)
        change(found)
        changed = settled({**files, name: b"".join(map(line, found))})
        manifest = json.loads(changed[MANIFEST])
        kept = {key: len(records(changed, f"{key}.jsonl")) for key in ("sessions", "messages", "versions", "sources")}
        manifest["counts"] |= kept | {"memories": len({one["memory"] for one in records(changed, "versions.jsonl")})}
        return folder({**changed, MANIFEST: json.dumps(manifest).encode()}, place)

    return make


def raw(name: str, content: bytes | Callable[[bytes], bytes]) -> Hostile:
    """A folder in which one file has these bytes, and a manifest that fits."""
    return lambda files, place: folder(settled({**files, name: content if isinstance(content, bytes) else content(files[name])}), place)


def manifest(change: Callable[[Any], Any]) -> Hostile:
    """A folder whose manifest was changed."""

    def make(files: Files, place: Path) -> Path:
        found = json.loads(files[MANIFEST])
        result = change(found)
        return folder({**files, MANIFEST: result if isinstance(result, bytes) else json.dumps(found).encode()}, place)

    return make


def zipped(change: Callable[[bytes, Files], bytes]) -> Hostile:
    """The bytes of a good archive, changed."""

    def make(files: Files, place: Path) -> Path:
        good = packed(ordered(files), place.with_suffix(".zip"))
        good.write_bytes(change(good.read_bytes(), files))
        return good

    return make


def extra_member(name: str, content: bytes = b"x", **more: Any) -> Hostile:
    return lambda files, place: packed([*ordered(files), (name, content)], place.with_suffix(".zip"), **more)


def renamed(name: str, **more: Any) -> Hostile:
    """The sessions' file under another name, in an archive of the right number of files."""
    return lambda files, place: packed(
        [(name if n == "sessions.jsonl" else n, c) for n, c in ordered(files)], place.with_suffix(".zip"), **more
    )


# -- names: zip-slip, absolute, devices, doubles, other letters

EVIL_NAMES = {
    "zip-slip": "../evil.txt", "zip-slip, deep": "../../../../../../tmp/evil.txt", "zip-slip behind a folder": "a/../../evil.txt",
    "zip-slip with backslashes": "..\\..\\evil.txt", "absolute": "/tmp/evil.txt", "absolute, of a drive": "C:\\evil.txt",
    "absolute, of a share": "\\\\host\\share\\evil", "device": "/dev/null", "device of another system": "NUL", "folder": "sub/",
    "file in a folder": "sub/sessions.jsonl", "here": "./sessions.jsonl", "other letters": "Sessions.jsonl", "capitals": "MANIFEST.JSON",
    "wide letters": "\uff53essions.jsonl", "soft hyphen": "ses\u00adsions.jsonl",
    "space at the end": "sessions.jsonl ", "point at the end": "sessions.jsonl.",
    "control character": "sessions.jsonl\x07", "home": "~/evil.txt", "very long": "a" * 60_000, "second manifest": "sub/manifest.json",
    "pickle": "vectors.pkl", "pickle renamed": "vectors.safetensors", "program": "run.sh", "archive within": "inner.zip",
}  # fmt: skip
for _name, _evil in EVIL_NAMES.items():
    CASES[f"one more: {_name}"] = extra_member(_evil, PICKLE)
    CASES[f"in place of a file: {_name}"] = renamed(_evil)
CASES["a file twice"] = lambda files, place: packed([*ordered(files), (FILES[0], files[FILES[0]])], place.with_suffix(".zip"))
CASES["a file twice, another missing"] = lambda files, place: packed(
    [(n if n != FILES[1] else FILES[0], c) for n, c in ordered(files)], place.with_suffix(".zip")
)
CASES["a file missing"] = lambda files, place: packed(ordered(files)[:-1], place.with_suffix(".zip"))
CASES["files in another order"] = lambda files, place: packed(ordered(files)[::-1], place.with_suffix(".zip"))
CASES["only a manifest"] = lambda files, place: packed(ordered(files)[:1], place.with_suffix(".zip"))
CASES["an archive of nothing"] = lambda files, place: packed([], place.with_suffix(".zip"))


# -- headers

CASES["symlink in an archive"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), external_attr=0o120777 << 16)
CASES["device in an archive"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), external_attr=0o020600 << 16)
CASES["pipe in an archive"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), external_attr=0o010600 << 16)
CASES["folder by its mark"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), external_attr=0x10)
CASES["extra fields"] = lambda files, place: packed(
    ordered(files), place.with_suffix(".zip"), extra=struct.pack("<HH4s", 0x7855, 4, b"evil")
)
CASES["comment of a file"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), comment=b"evil")
CASES["bzip2"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), method=zipfile.ZIP_BZIP2)
CASES["lzma"] = lambda files, place: packed(ordered(files), place.with_suffix(".zip"), method=zipfile.ZIP_LZMA)


def patched(find: bytes, offset: int, value: bytes, which: int = 0) -> Hostile:
    """A good archive with some bytes of a header replaced."""

    def change(good: bytes, files: Files) -> bytes:
        at = [n for n in range(len(good)) if good.startswith(find, n)][which] + offset
        return good[:at] + value + good[at + len(value) :]

    return zipped(change)


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
CASES["encrypted by its mark"] = patched(CENTRAL, 8, b"\1\0")
CASES["encrypted by the mark of one header"] = patched(LOCAL, 6, b"\1\0")
CASES["sizes after the bytes"] = patched(CENTRAL, 8, b"\x08\0")
CASES["two sizes in two headers"] = patched(LOCAL, 22, b"\1\0\0\0")
CASES["two digests in two headers"] = patched(LOCAL, 14, b"\1\2\3\4")
CASES["two names in two headers"] = patched(LOCAL, 30, b"X")
CASES["a wrong digest in both"] = zipped(lambda good, files: good.replace(struct.pack("<I", zlib.crc32(files[FILES[0]])), b"\1\2\3\4"))
CASES["overlapping files"] = patched(CENTRAL, 42, b"\0\0\0\0", 2)
CASES["an offset behind the end"] = patched(CENTRAL, 42, b"\xff\xff\xff\x7f", 1)
CASES["a needed version of the future"] = patched(CENTRAL, 6, b"\xff\0")
CASES["another disk"] = patched(CENTRAL, 34, b"\1\0")
CASES["zip64 by its count"] = patched(END, 8, b"\xff\xff\xff\xff")
CASES["a directory of the wrong size"] = patched(END, 12, b"\xff\xff\xff\x7f")
CASES["a huge directory"] = lambda files, place: packed(
    [*ordered(files), *((f"{n:060000}", b"") for n in range(100))], place.with_suffix(".zip")
)
CASES["something after the end"] = zipped(lambda good, files: good + b"evil")
CASES["something before the start"] = zipped(lambda good, files: b"#!/bin/sh\n" + good)
CASES["two archives in one"] = zipped(lambda good, files: good + good)
CASES["a comment at the end"] = zipped(lambda good, files: good[:-2] + b"\4\0evil")
CASES["cut in the middle"] = zipped(lambda good, files: good[: len(good) // 2])
CASES["the first half missing"] = zipped(lambda good, files: good[len(good) // 2 :])
CASES["an empty file"] = zipped(lambda good, files: b"")
CASES["zeros"] = zipped(lambda good, files: bytes(1 << 16))
CASES["a pickle named as an archive"] = zipped(lambda good, files: PICKLE)
CASES["a database named as an archive"] = zipped(lambda good, files: b"SQLite format 3\0" + bytes(4096))
CASES["a changed byte in the packed data"] = zipped(lambda good, files: good[:60] + bytes([good[60] ^ 1]) + good[61:])


@case("a tar archive")
def _tar(files: Files, place: Path) -> Path:
    import tarfile

    with tarfile.open(place.with_suffix(".tgz"), "w:gz") as made:
        for name, content in ordered(files):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            import io

            made.addfile(info, io.BytesIO(content))
    return place.with_suffix(".tgz")


# -- bombs


def bomb(name: str, size: int, told: int | None = None) -> Hostile:
    """A member that unpacks to many bytes, with a manifest that fits, or with headers that tell less."""

    def make(files: Files, place: Path) -> Path:
        target = packed(ordered({**files, name: b"\0"}), place.with_suffix(".zip"))
        parts, pack = [], zlib.compressobj(9, zlib.DEFLATED, -15)
        crc, block = 0, bytes(1 << 20)
        for _ in range(size >> 20):
            parts.append(pack.compress(block))
            crc = zlib.crc32(block, crc)
        content = b"".join([*parts, pack.flush()])
        target.write_bytes(spelled({n: (zlib.compressobj(9, 8, -15), c) for n, c in ordered(files)}, name, content, crc, told or size))
        return target

    return make


def spelled(files: dict[str, tuple[Any, bytes]], evil: str, content: bytes, crc: int, size: int) -> bytes:
    """An archive written by hand, in the form that is read, one member replaced by ready packed bytes."""
    body, directory = b"", b""
    for name, (pack, plain) in files.items():
        data = content if name == evil else pack.compress(plain) + pack.flush()
        facts = (20, 0, 8, 0, 33, crc if name == evil else zlib.crc32(plain), len(data), size if name == evil else len(plain))
        directory += archive._CENTRAL.pack(b"PK\1\2", 788, *facts, len(name), 0, 0, 0, 0, 0o100600 << 16, len(body)) + name.encode()
        body += archive._LOCAL.pack(b"PK\3\4", *facts, len(name), 0) + name.encode() + data
    return body + directory + archive._END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(body), 0)


CASES["a bomb of 1 GiB"] = bomb("messages.jsonl", 1 << 30)
CASES["a bomb that tells a small size"] = bomb("messages.jsonl", 64 << 20, 100)
CASES["a manifest as a bomb"] = bomb(MANIFEST, 64 << 20)
CASES["a manifest as a bomb that tells a small size"] = bomb(MANIFEST, 64 << 20, 1000)
CASES["one endless line"] = lambda files, place: folder(settled({**files, "messages.jsonl": b'"' + b"a" * (30 << 20) + b'"\n'}), place)
CASES["a manifest of 100 MB"] = manifest(lambda m: b" " * 100_000_000 + json.dumps(m).encode())
CASES["42.zip: archives within archives"] = raw("messages.jsonl", b"PK\3\4" + b"\0" * 1000)


# -- folders


@case("a folder with one file more")
def _more(files: Files, place: Path) -> Path:
    return folder({**files, "evil.sh": b"#!/bin/sh"}, place)


@case("a folder with one file less")
def _less(files: Files, place: Path) -> Path:
    return folder({name: files[name] for name in NAMES[:-1]}, place)


@case("an empty folder")
def _empty(files: Files, place: Path) -> Path:
    return folder({}, place)


@case("a link in a folder")
def _link(files: Files, place: Path) -> Path:
    made = folder(files, place)
    (place.parent / "target").write_bytes(files["claims.jsonl"])
    (made / "claims.jsonl").unlink()
    (made / "claims.jsonl").symlink_to(place.parent / "target")
    return made


@case("a link to a secret")
def _secret(files: Files, place: Path) -> Path:
    made = folder(files, place)
    (made / "claims.jsonl").unlink()
    (made / "claims.jsonl").symlink_to("/etc/passwd")
    return made


@case("a pipe in a folder")
def _pipe(files: Files, place: Path) -> Path:
    made = folder(files, place)
    (made / "claims.jsonl").unlink()
    os.mkfifo(made / "claims.jsonl")
    return made


@case("a folder in a folder")
def _nested(files: Files, place: Path) -> Path:
    made = folder(files, place)
    (made / "claims.jsonl").unlink()
    (made / "claims.jsonl").mkdir()
    return made


@case("a pipe in place of an archive")
def _only_a_pipe(files: Files, place: Path) -> Path:
    os.mkfifo(place)
    return place


CASES["/dev/zero"] = lambda files, place: Path("/dev/zero")

# -- the manifest

CASES["a wrong digest"] = manifest(lambda m: m["files"][1].update(sha256="0" * 64))
CASES["a digest in capitals"] = manifest(lambda m: m["files"][1].update(sha256=m["files"][1]["sha256"].upper()))
CASES["a wrong size"] = manifest(lambda m: m["files"][1].update(size=m["files"][1]["size"] + 1))
CASES["a size below zero"] = manifest(lambda m: m["files"][1].update(size=-1))
CASES["a size that is true"] = manifest(lambda m: m["files"][1].update(size=True))
CASES["an enormous size"] = manifest(lambda m: m["files"][1].update(size=1 << 62))
CASES["a file's name with a path"] = manifest(lambda m: m["files"][0].update(name="../sessions.jsonl"))
CASES["files in a mapping"] = manifest(lambda m: m.update(files={"a": 1}))
CASES["files told in another order"] = manifest(lambda m: m["files"].reverse())
CASES["one more field"] = manifest(lambda m: m.update(run="rm -rf /"))
CASES["one field less"] = manifest(lambda m: m.pop("counts"))
CASES["a cube's id with a path"] = manifest(lambda m: m.update(cube_id="../../x\x00"))
CASES["a cube's id that is empty"] = manifest(lambda m: m.update(cube_id=""))
CASES["a cube's id that is a list"] = manifest(lambda m: m.update(cube_id=["a"]))
CASES["a name of half characters"] = manifest(lambda m: m.update(name="\ud800"))
CASES["no time"] = manifest(lambda m: m.update(created_at="yesterday"))
CASES["a time without a zone"] = manifest(lambda m: m.update(created_at="2026-01-01T00:00:00"))
CASES["wrong counts"] = manifest(lambda m: m["counts"].update(memories=m["counts"]["memories"] + 1))
CASES["a format of the future"] = manifest(lambda m: m.update(format=99))
CASES["a schema of the future"] = manifest(lambda m: m.update(schema_version=99))
CASES["format none"] = manifest(lambda m: m.update(format=0))
CASES["a manifest that is a list"] = manifest(lambda m: b"[]")
CASES["a manifest that is a pickle"] = manifest(lambda m: PICKLE)
CASES["a manifest with a key twice"] = manifest(lambda m: json.dumps(m).encode()[:-1] + b', "format": 1}')
CASES["a manifest of brackets"] = manifest(lambda m: b"[" * 60_000)
CASES["a manifest in another encoding"] = manifest(lambda m: json.dumps(m).encode("utf-16"))

# -- the lines

CASES["a line that is no JSON"] = raw("messages.jsonl", b"evil\n")
CASES["a pickle as lines"] = raw("messages.jsonl", PICKLE + b"\n")
CASES["a last line without an end"] = raw("messages.jsonl", lambda good: good[:-1])
CASES["an empty line"] = raw("messages.jsonl", lambda good: good + b"\n")
CASES["bytes that are no text"] = raw("messages.jsonl", lambda good: good.replace(b"Momo", b"M\xff\xfeo"))
CASES["a line of brackets"] = raw("messages.jsonl", b"[" * 200_000 + b"\n")
CASES["a number of many digits"] = raw("messages.jsonl", lambda good: good.replace(b'"version":1', b'"version":' + b"1" * 10_000, 1))
CASES["NaN"] = raw("messages.jsonl", lambda good: good.replace(b'"mood":1.5', b'"mood":NaN'))
CASES["a key twice"] = raw("messages.jsonl", lambda good: good.replace(b'"version":1', b'"version":1,"version":1', 1))
CASES["a role of power"] = lines("messages.jsonl", lambda all: all[0].update(role="erased"))
CASES["a NUL character"] = lines("messages.jsonl", lambda all: all[0].update(content="a\x00b"))
CASES["half a character"] = raw("messages.jsonl", lambda good: good.replace(b"Momo", b"\\ud800", 1))
CASES["half a character deep in the caller's JSON"] = raw("messages.jsonl", lambda good: good.replace(b'"mood":1.5', b'"mood":"\\ud800"'))
CASES["a time beyond time"] = lines("messages.jsonl", lambda all: all[0].update(said=1 << 62))
CASES["a message twice"] = lines("messages.jsonl", lambda all: all.append(all[0]))
CASES["a session that is not there"] = lines("messages.jsonl", lambda all: all[0].update(session=99))
CASES["a session below zero"] = lines("messages.jsonl", lambda all: all[0].update(session=-1))
CASES["tool calls of another shape"] = lines("messages.jsonl", lambda all: all[1]["extra"].update(tool_calls=[{"id": 1}]))
CASES["one more field in a line"] = lines("versions.jsonl", lambda all: all[0].update(nr=1))
CASES["a state of erasure"] = lines("versions.jsonl", lambda all: all[0].update(state="erased"))
CASES["versions from 2"] = lines("versions.jsonl", lambda all: all[0].update(version=2))
CASES["versions apart"] = lines("versions.jsonl", lambda all: all.append(all[0]))
CASES["a memory without an id"] = lines("versions.jsonl", lambda all: all[0].update(memory=""))
CASES["info that is a list"] = lines("versions.jsonl", lambda all: all[0].update(info=[]))
CASES["info of great depth"] = raw(
    "versions.jsonl", lambda good: good.replace(b'"info":{}', b'"info":{"a":' + b"[" * 90 + b"]" * 90 + b"}", 1)
)
CASES["a context that is not there"] = lines("versions.jsonl", lambda all: all[0].update(context="nowhere"))
CASES["a source of nothing"] = lines("sources.jsonl", lambda all: all[0].update(message=99))
CASES["a source of somebody else's memory"] = lines("sources.jsonl", lambda all: all[0].update(memory="not here"))
CASES["a span that ends before it starts"] = lines("sources.jsonl", lambda all: all[0].update(start=5, end=1))
CASES["two sessions of one id"] = lines("sessions.jsonl", lambda all: all.append(all[0]))
CASES["claims that are missing"] = lines("claims.jsonl", lambda all: all.pop())
CASES["claims of others"] = lines("claims.jsonl", lambda all: all[0].update(memory="not here"))
CASES["trust of one's own making"] = lines("claims.jsonl", lambda all: all[0].update(trust="divine"))
