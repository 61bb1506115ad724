"""Where two contents of one file differ, in words, and which of the usual causes that looks like."""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from engine.explain import printable

_CHUNK = 1 << 18
_LARGEST_TEXT = 4 << 20
_AROUND = 24  # bytes shown of a binary
_LONGEST = 160
_TIMES = re.compile(
    rb"\b(?:1[6-9]\d{8}(?:\d{3}|\d{6}|\d{9})?)\b"  # seconds since 1970, and parts of them
    rb"|\d{4}-\d{2}-\d{2}|\b\d{1,2}:\d{2}(?::\d{2})?\b|\d{8}T\d{6}"
    rb"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b[^\n]{0,30}\b(?:19|20)\d{2}\b"
    rb"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2}\b"
)
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_TEMPORARY = re.compile(rb"(?:/tmp/|tmp\.)[A-Za-z0-9._-]+")

TIME = "a time: use SOURCE_DATE_EPOCH, a fixed date, or leave it out"


class Content(Protocol):
    """The bytes of a file."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """See `engine.inspection.determinism.Twice`."""

    where: str
    first: str | None = None
    second: str | None = None
    hint: str = ""


def differing(path: str, first: Content, second: Content, runs: tuple[str, str] = ("", "")) -> Differing:
    """The first place that differs. `runs`: the ids that each was told. OSError."""
    from engine.inspection.differing_archives import in_archive  # late: brings the readers of archives

    inside = in_archive(path, first, second)
    if inside is not None:
        return inside
    offset = _first_offset(first, second)
    if offset is None:
        return Differing(where="content")
    starts = first.read(0, 8000) + second.read(0, 8000)
    if b"\0" in starts or max(first.size, second.size) > _LARGEST_TEXT:
        return _binary(path, first, second, offset)
    return _text(first.read(0, first.size), second.read(0, second.size), offset, runs)


def _first_offset(first: Content, second: Content) -> int | None:
    offset = 0
    while offset < max(first.size, second.size):
        one, other = first.read(offset, _CHUNK), second.read(offset, _CHUNK)
        if one != other:
            common = min(len(one), len(other))
            return offset + next((i for i in range(common) if one[i] != other[i]), common)
        if not one:
            break
        offset += len(one)
    return None


def _text(first: bytes, second: bytes, offset: int, runs: tuple[str, str]) -> Differing:
    number = first.count(b"\n", 0, offset) + 1
    start = first.rfind(b"\n", 0, offset) + 1
    one, other = _line(first, start), _line(second, start)
    return Differing(
        where=f"line {number}",
        first=_shown(one, offset - start),
        second=_shown(other, offset - start),
        hint=_cause(first, second, one, other, runs),
    )


def _line(text: bytes, start: int) -> bytes:
    end = text.find(b"\n", start)
    return text[start : len(text) if end < 0 else end]


def _cause(first: bytes, second: bytes, one: bytes, other: bytes, runs: tuple[str, str]) -> str:
    if all(runs) and runs[0].encode() in one and runs[1].encode() in other:
        return "the id of the run (`RWX_RUN_ID` and what is made of it)"
    if sorted(first.split(b"\n")) == sorted(second.split(b"\n")):
        return "the same lines in another order: sort them"
    for pattern, words in (
        (_UUID, "an id made at random"),
        (_TEMPORARY, "the random name of a temporary file"),
        (_TIMES, TIME),
    ):
        if pattern.search(one) and pattern.search(other) and pattern.sub(b"", one) == pattern.sub(b"", other):
            return words
    if sorted(re.split(rb"[\s,;:{}\[\]()]+", one)) == sorted(re.split(rb"[\s,;:{}\[\]()]+", other)):
        return "the same words in another order, as of a hash table: sort them"
    if _TIMES.search(one) and _TIMES.search(other):
        return f"perhaps {TIME}"
    if re.sub(rb"\d+", b"", one) == re.sub(rb"\d+", b"", other):
        return "a number: a duration, a process id, or one made at random"
    return ""


def _binary(path: str, first: Content, second: Content, offset: int) -> Differing:
    start = max(0, offset - 4)
    return Differing(
        where=f"byte {offset}",
        first=_hex(first.read(start, _AROUND)),
        second=_hex(second.read(start, _AROUND)),
        hint=_binary_cause(path, first, second, offset),
    )


def _binary_cause(path: str, first: Content, second: Content, offset: int) -> str:
    heads = first.read(0, 16), second.read(0, 16)
    if path.endswith((".pyc", ".pyo")) and offset < 16:
        if heads[0][4:8] == b"\0\0\0\0":
            return (
                "the time of the source in compiled Python: `python -m compileall --invalidation-mode"
                " unchecked-hash`, or `PYTHONDONTWRITEBYTECODE=1`"
            )
        return "the header of compiled Python"
    if heads[0][:4] == heads[1][:4] == b"\x7fELF":
        return _elf_cause(first, second, offset)
    one, other = first.read(max(0, offset - 40), 120), second.read(max(0, offset - 40), 120)
    if _TEMPORARY.search(one) and _TEMPORARY.search(other):
        return "the random name of a temporary file"
    return TIME if _TIMES.search(one) and _TIMES.search(other) else ""


def _elf_cause(first: Content, second: Content, offset: int) -> str:
    around = first.read(max(0, offset - 64), 128)
    if b"GNU\0" in around:
        return "the build id of the program: what it is made of differs further on"
    if b"/tmp/" in around:
        return "the path of a temporary directory: `-ffile-prefix-map`, or build in a fixed one"
    return TIME if _TIMES.search(around) and _TIMES.search(second.read(max(0, offset - 64), 128)) else ""


def _hex(data: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return f"{data.hex(' ')}  {text}"


def _shown(line: bytes, at: int) -> str:
    """The line, or the part of it that differs first."""
    begin = max(0, at - _LONGEST // 2) if len(line) > _LONGEST else 0
    part = line[begin : begin + _LONGEST].decode("utf-8", "surrogateescape")
    return ("…" if begin else "") + printable(part) + ("…" if begin + _LONGEST < len(line) else "")
