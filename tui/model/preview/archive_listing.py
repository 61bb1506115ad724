"""What is in an archive: the first thousand members, without unpacking more than one would wait for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import cast

import msgspec

from engine.explain import printable
from tui.format import size_text
from tui.model.preview.archive_members import FilePart, Member, ar_members, tar_members
from tui.model.preview.content import SharedContent
from tui.model.preview.content_file import ContentFile, Limited, TooMuch
from tui.model.preview.sheet import Cell, IsCancelled, RowsSheet
from tui.model.spans import Row, Span

MOST_MEMBERS = 1000
_BUDGET = 64 << 20  # bytes read
_ZIP_BUDGET = 8 << 20  # of which nearly all is the list of members: 100,000, as objects some 40 MB
_UNPACKED = 256 << 20  # bytes that a decompressor may give
_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError,
    KeyError, IndexError, OverflowError, NotImplementedError, RuntimeError, MemoryError, gzip.BadGzipFile,
)  # fmt: skip


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """`words`: which kind of archive. `total`: how many members, None when not all were counted.

    `problem`: why there may be more than is listed.
    """

    words: str
    members: tuple[Member, ...]
    total: int | None = None
    problem: str = ""


class _Members:
    """Takes members until there are enough; keeps those it has when the archive turns out to be damaged."""

    def __init__(self) -> None:
        self.found: list[Member] = []
        self.words = "archive"
        self.total: int | None = None
        self.problem = ""

    def take(self, members: Iterator[Member]) -> None:
        for member in members:
            if len(self.found) == MOST_MEMBERS:
                self.problem = f"only the first {MOST_MEMBERS:,} members are listed"
                return
            self.found.append(member)
        if self.total is None:
            self.total = len(self.found)


def listing_of(content: SharedContent, head: bytes, is_cancelled: IsCancelled) -> Listing:
    """The members of an archive that begins with `head`. OSError when the file cannot be read."""
    members = _Members()
    is_zip = head.startswith(b"PK")
    file = ContentFile(content, _ZIP_BUDGET if is_zip else _BUDGET, is_cancelled)
    try:
        _list(members, file, head)
    except TooMuch:
        members.problem = "the rest is too large to be looked through"
    except _DAMAGED as error:
        members.problem = f"damaged: {printable(str(error))[:200] or type(error).__name__}"
    return Listing(
        words=members.words, members=tuple(members.found), total=members.total, problem=members.problem
    )


def listing_sheet(listing: Listing) -> RowsSheet:
    """The listing as lines: permissions, size, time, name."""
    rows: list[Row] = [(Span(_heading(listing), bold=True),), ()]
    has_modes = any(member.mode for member in listing.members)
    has_times = any(member.mtime for member in listing.members)
    for member in listing.members:
        row = [Span(f"{size_text(member.size):>6}  ")]
        if has_times:
            row.append(Span(f"{_time_text(member.mtime):16}  ", "dim-text"))
        if has_modes:
            row.insert(0, Span(f"{_mode_text(member.mode):10}  ", "dim-text"))
        row.append(Span(printable(member.name), "lane-1" if member.name.endswith("/") else ""))
        if member.target:
            row.append(Span(f" -> {printable(member.target)}", "dim-text"))
        rows.append(tuple(row))
    if listing.problem:
        rows += [(), (Span(listing.problem, "diag-warning"),)]
    return RowsSheet([(Cell(text=row),) for row in rows])


def _mode_text(mode: int) -> str:
    return stat.filemode(mode if stat.S_IFMT(mode) else mode | stat.S_IFREG) if mode else ""


def _heading(listing: Listing) -> str:
    if not listing.members and listing.total is None:
        return listing.words
    count = f"{len(listing.members):,}+" if listing.total is None else f"{listing.total:,}"
    size = sum(member.size for member in listing.members)
    return f"{listing.words}, {count} member{'' if count == '1' else 's'}, {size_text(size)} unpacked"


def _list(members: _Members, file: ContentFile, head: bytes) -> None:
    if head.startswith(b"PK"):
        _list_zip(members, file)
    elif head.startswith(b"!<arch>\n"):
        _list_ar(members, file)
    elif head[257:262] == b"ustar":
        members.words = "tar archive"
        members.take(tar_members(file))
    else:
        _list_compressed(members, file, head)


def _list_zip(members: _Members, file: ContentFile) -> None:
    members.words = "zip archive"
    with zipfile.ZipFile(cast("io.BytesIO", file)) as archive:
        infos = archive.infolist()
        members.total = len(infos)
        members.take(map(_zip_member, infos))
        names = {info.filename for info in infos[:50_000]}
        if any(name.endswith(".dist-info/WHEEL") for name in names):
            members.words = "Python wheel"
        elif "META-INF/MANIFEST.MF" in names:
            members.words = "Java archive"


def _zip_member(info: zipfile.ZipInfo) -> Member:
    return Member(
        name=info.filename,
        size=info.file_size,
        packed=info.compress_size,
        mode=info.external_attr >> 16 & 0xFFFF,
        mtime=_seconds(info.date_time),
    )


def _seconds(date_time: tuple[int, int, int, int, int, int]) -> float:
    try:
        return time.mktime((*date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _list_compressed(members: _Members, file: ContentFile, head: bytes) -> None:
    """One compressed file, which may be a tar archive."""
    words, opened = _decompressor(file, head)
    members.words = f"compressed with {words}"
    if opened is None:
        return
    limited = Limited(opened, _UNPACKED, file.is_cancelled)
    begin = limited.read(512)
    if begin[257:262] == b"ustar":
        members.words = f"tar archive, {members.words}"
        members.take(tar_members(_Rejoined(begin, limited)))
        return
    size = len(begin)
    while data := limited.read(1 << 16):
        size += len(data)
    members.take(iter((Member(name=_gzip_name(head), size=size),)))


def _decompressor(file: io.RawIOBase, head: bytes) -> tuple[str, io.BufferedIOBase | None]:
    source = cast("io.BytesIO", io.BufferedReader(file))
    if head.startswith(b"\x1f\x8b"):
        return "gzip", gzip.GzipFile(fileobj=source)
    if head.startswith(b"BZh"):
        return "bzip2", bz2.BZ2File(source)
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz", lzma.LZMAFile(source)
    return "zstd", None


def _gzip_name(head: bytes) -> str:
    """The name that gzip kept of what it packed, if any (RFC 1952, 2.3)."""
    if not head.startswith(b"\x1f\x8b") or not head[3:4] or not head[3] & 8:
        return "content"
    start = 10
    if head[3] & 4:
        start += 2 + int.from_bytes(head[10:12], "little")
    return head[start : head.find(b"\0", start)].decode("latin-1")[:200] or "content"


class _Rejoined(io.RawIOBase):
    """What was read already, and then the rest."""

    def __init__(self, begin: bytes, rest: Limited) -> None:
        super().__init__()
        self._begin = begin
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = 1 << 16 if size is None or size < 0 else size
        if not self._begin:
            return self._rest.read(wanted)
        data, self._begin = self._begin[:wanted], self._begin[wanted:]
        return data


def _list_ar(members: _Members, file: ContentFile) -> None:
    """As BSD and GNU ar write it; of a Debian package also what its archives hold."""
    members.words = "ar archive"
    found = list(ar_members(file))
    if any(name == "debian-binary" for name, *_ in found):
        members.words = "Debian package"
    members.take(_with_inner(members, file, found))


def _with_inner(
    members: _Members, file: ContentFile, found: list[tuple[str, int, int, int, float]]
) -> Iterator[Member]:
    is_package = members.words == "Debian package"
    for name, offset, size, mode, mtime in found:
        yield Member(name=name, size=size, mode=mode, mtime=mtime)
        if is_package and name.startswith(("control.tar", "data.tar")):
            yield from _inner(members, file, name, offset, size)


def _inner(members: _Members, file: ContentFile, name: str, offset: int, size: int) -> Iterator[Member]:
    """The members of an archive in the archive."""
    part = FilePart(file, offset, size)
    head = part.read(512)
    part.seek(0)
    opened: io.RawIOBase = part
    if head[257:262] != b"ustar":
        words, source = _decompressor(part, head)
        if source is None:
            members.problem = f"{name} is compressed with {words}, which is not looked into"
            return
        opened = Limited(source, _UNPACKED, file.is_cancelled)
    for member in tar_members(opened):
        yield msgspec.structs.replace(member, name=f"{name}: {member.name.removeprefix('./') or '/'}")


def _time_text(seconds: float) -> str:
    if not seconds:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return ""
