"""The members of tar and ar archives, one after the other, of hostile ones too."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Iterator
from typing import Literal, Self, cast

import msgspec

from tui.model.preview.content_file import ContentFile

_AR_HEADER = 60
_MOST = 10_000
_LONGEST_EXTRA = 1 << 20  # bytes of what precedes a member to give it a long name or more attributes
_EXTRA = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member; `mode` as in `stat`, 0 where the archive does not say; `target` of a link."""

    name: str
    size: int = 0
    packed: int | None = None
    mode: int = 0
    mtime: float = 0.0
    target: str = ""


class _Info(tarfile.TarInfo):
    """Refuses what would be held in memory and has no reason to be large."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        info = super().frombuf(buf, encoding or "utf-8", errors)
        if info.type in _EXTRA and info.size > _LONGEST_EXTRA:
            raise ValueError("the name of a member is too long")
        return info


def tar_members(file: io.RawIOBase) -> Iterator[Member]:
    """Of a file that is read from its beginning; tarfile.TarError and others when it is damaged."""
    mode: Literal["r:", "r|"] = "r:" if file.seekable() else "r|"
    with tarfile.open(fileobj=cast("io.BytesIO", file), mode=mode, tarinfo=_Info) as archive:
        for info in archive:
            yield Member(
                name=info.name + ("/" if info.isdir() else ""),
                size=info.size if info.isreg() else 0,
                mode=info.mode & 0o7777 | _TYPES.get(info.type, 0),
                mtime=float(info.mtime),
                target=info.linkname if info.issym() or info.islnk() else "",
            )


_TYPES = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.AREGTYPE: stat.S_IFREG,
    tarfile.LNKTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
}


def ar_members(file: ContentFile) -> Iterator[tuple[str, int, int, int, float]]:
    """(name, offset, size, mode, time) of each; ValueError when it is damaged."""
    long_names = b""
    file.seek(8)
    for _ in range(_MOST):
        header = file.read(_AR_HEADER)
        if len(header) < _AR_HEADER:
            return
        if header[58:] != b"`\n":
            raise ValueError("a member does not begin where it should")
        name, offset, size = header[:16].rstrip(), file.tell(), int(header[48:58])
        if name == b"//":
            long_names = file.read(min(size, 1 << 20))
        elif name not in (b"/", b"/SYM64/"):
            if name[:1] == b"/" and name[1:].isdigit():
                start = int(name[1:])
                name = long_names[start : long_names.find(b"\n", start)]
            text = name.rstrip(b"/").decode("utf-8", "surrogateescape")
            yield text, offset, size, int(header[40:48] or b"0", 8), float(int(header[16:28] or b"0"))
        file.seek(offset + size + size % 2)


class FilePart(io.RawIOBase):
    """A stretch of another file."""

    def __init__(self, file: ContentFile, offset: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._length = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = max(0, offset + (0, self._place, self._length)[whence])
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._length - self._place)
        self._file.seek(self._offset + self._place)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._place += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
