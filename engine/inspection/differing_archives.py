"""Which member of two archives differs; what comes from a task is bounded and never unpacked to the disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, TYPE_CHECKING, cast

import msgspec

from engine.explain import printable
from engine.inspection.differing_files import Content, Differing, differing

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_MEMBERS = 50_000
_MOST_BYTES = 512 << 20  # that are decompressed of one archive
_LARGEST_KEPT = 4 << 20
_CHUNK = 1 << 18
_GZIP_TIME = "the time in the header of gzip: `gzip -n`, or `tar` with SOURCE_DATE_EPOCH set"
_TAR_TIME = "the times of members: `tar --mtime=@0 --sort=name --owner=0 --group=0 --numeric-owner`"
_TIMES = {
    "tar": _TAR_TIME,
    "zip": "the times of members: set SOURCE_DATE_EPOCH, or `touch` the files to one time before",
    "ar": "the times of members: `ar D` (deterministic)",
}
_ORDERS = {
    "tar": "the order of members is that of the directory: `tar --sort=name`",
    "zip": "the order of members is that of the directory: give `zip` a sorted list",
    "ar": "the order of members: sort the list of objects",
}
_BROKEN = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError)


class _Member(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content: str  # a digest of it
    time: str
    rest: str  # mode, owner and what else there is


def in_archive(path: str, first: Content, second: Content) -> Differing | None:
    """The first member that differs; None when these are no two archives of a kind, or broken ones."""
    kind = _kind(first)
    if kind is None or kind != _kind(second):
        return None
    try:
        if kind == "gzip":
            return _in_gzip(path, first, second)
        return _members_differ(kind, _members(kind, first), _members(kind, second))
    except (*_BROKEN, NotImplementedError, struct.error):
        return None


def _kind(content: Content) -> str | None:
    head = content.read(0, 512)
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"!<arch>\n"):
        return "ar"
    return "tar" if head[257:262] == b"ustar" else None


def _members(kind: str, content: Content) -> list[_Member]:
    reader = {"tar": _tar, "zip": _zip, "ar": _ar}[kind]
    found = list(islice(reader(content), _MOST_MEMBERS + 1))
    if len(found) > _MOST_MEMBERS:
        raise ValueError("too many members")
    return found


def _members_differ(kind: str, first: Sequence[_Member], second: Sequence[_Member]) -> Differing | None:
    names = [member.name for member in first], [member.name for member in second]
    if names[0] != names[1]:
        if sorted(names[0]) == sorted(names[1]):
            at = next(i for i, name in enumerate(names[0]) if name != names[1][i])
            return Differing(
                where="order of members",
                first=f"{at + 1}: {printable(names[0][at])}",
                second=f"{at + 1}: {printable(names[1][at])}",
                hint=_ORDERS[kind],
            )
        only = sorted(set(names[0]) ^ set(names[1])) or sorted(names[0])
        is_first = only[0] in names[0]
        return Differing(
            where=f"member {printable(only[0])}",
            first="is there" if is_first else "is not there",
            second="is not there" if is_first else "is there",
        )
    pairs = list(zip(first, second, strict=True))
    for one, other in pairs:
        if one.content != other.content:
            return Differing(where=f"content of member {printable(one.name)}")
    for one, other in pairs:
        if one.time != other.time:
            return Differing(
                where=f"time of member {printable(one.name)}",
                first=one.time,
                second=other.time,
                hint=_TIMES[kind],
            )
        if one.rest != other.rest:
            return Differing(where=f"member {printable(one.name)}", first=one.rest, second=other.rest)
    return Differing(where="format or compression, the members are the same")


def _in_gzip(path: str, first: Content, second: Content) -> Differing | None:
    one, other = _Inflated(first), _Inflated(second)
    times = tuple(_time(struct.unpack("<I", content.read(4, 4))[0]) for content in (first, second))
    if one.digest == other.digest:
        is_time = times[0] != times[1]
        return Differing(
            where="header of gzip" if is_time else "compression, the content is the same",
            first=times[0] if is_time else None,
            second=times[1] if is_time else None,
            hint=_GZIP_TIME if is_time else "another level or version of gzip",
        )
    if one.start[257:262] == other.start[257:262] == b"ustar":
        return _members_differ("tar", list(_tar(first)), list(_tar(second)))
    if one.content is None or other.content is None:
        return Differing(where="content, decompressed")
    inner = differing(path.removesuffix(".gz"), _Bytes(one.content), _Bytes(other.content))
    return msgspec.structs.replace(inner, where=f"{inner.where}, decompressed")


class _Inflated:
    """What gzip holds: its digest, its start, and all of it when it is small."""

    def __init__(self, content: Content) -> None:
        hasher, size = hashlib.sha256(), 0
        kept = bytearray()
        with gzip.GzipFile(fileobj=_file(content)) as file:
            while data := file.read(_CHUNK):
                size += len(data)
                if size > _MOST_BYTES:
                    raise ValueError("too large")
                hasher.update(data)
                if size <= _LARGEST_KEPT:
                    kept += data
        self.digest = hasher.hexdigest()
        self.start = bytes(kept[:512])
        self.content = bytes(kept) if size <= _LARGEST_KEPT else None


def _tar(content: Content) -> Iterator[_Member]:
    left = _MOST_BYTES
    with tarfile.open(fileobj=_file(content), mode="r|*") as tar:
        for member in tar:
            digest = member.linkname
            if member.isreg():
                left -= member.size
                if left < 0:
                    raise ValueError("too large")
                file = tar.extractfile(member)
                digest = "" if file is None else _digest(file)
            yield _Member(
                name=member.name,
                content=f"{member.type!r} {digest}",
                time=_time(member.mtime),
                rest=f"{member.mode:04o} {member.uid}:{member.gid} {member.uname}:{member.gname}",
            )


def _zip(content: Content) -> Iterator[_Member]:
    with zipfile.ZipFile(_file(content)) as archive:
        for member in archive.infolist():
            yield _Member(
                name=member.filename,
                content=f"{member.file_size} {member.CRC:08x}",
                time="{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*member.date_time),
                rest=f"{member.external_attr:#x} {member.extra.hex()}",
            )


def _ar(content: Content) -> Iterator[_Member]:
    offset = 8
    while offset + 60 <= content.size:
        header = content.read(offset, 60)
        size = int(header[48:58])
        if size < 0 or header[58:] != b"`\n":
            raise ValueError("no archive")
        data = io.BytesIO(content.read(offset + 60, min(size, _MOST_BYTES)))
        yield _Member(
            name=header[:16].decode("latin-1").strip(),
            content=f"{size} {_digest(data)}",
            time=_time(int(header[16:28].strip() or b"0")),
            rest=header[28:48].decode("latin-1").strip(),
        )
        offset += 60 + size + size % 2


def _digest(file: IO[bytes]) -> str:
    hasher = hashlib.sha256()
    while data := file.read(_CHUNK):
        hasher.update(data)
    return hasher.hexdigest()


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return str(seconds)


class _Bytes:
    """A content in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class _Raw(io.RawIOBase):
    """A content as a file that can be sought in."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._offset = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self._offset, self._content.size)[whence]
        self._offset = max(0, start + offset)
        return self._offset

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._content.read(self._offset, len(view))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)


def _file(content: Content) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_Raw(content), _CHUNK))
