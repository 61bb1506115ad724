"""Files of a place as the bytes of a tar, made as they are read."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator

from engine.explain import printable
from engine.file_tree import DIRECTORY, Entry
from engine.inspection.contents import Opened
from engine.model.errors import OutcropError, StoreError

REFUSED = "OUTCROP.refused"  # the last header of a tar that could not be finished: why
_CHUNK = 1 << 18
_TYPES = {
    "file": tarfile.REGTYPE,
    DIRECTORY: tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "fifo": tarfile.FIFOTYPE,
    "character": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
}


def tar(entries: Iterator[tuple[str, str, Entry]], opened: Callable[[str], Opened]) -> Iterator[bytes]:
    """The tar of (name in it, path, entry), parents first; as root would unpack it.

    `opened` gives a path's content. What goes wrong on the way is told by a last header, `REFUSED`.
    """
    try:
        for name, path, entry in entries:
            if entry.kind != "file":
                yield _header(name, entry)
                continue
            with opened(path) as content:
                if content.size != entry.size:
                    raise StoreError(f"`{printable(path)}` is damaged in the store")
                yield _header(name, entry)
                yield from content.chunks(_CHUNK)
                yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    except (OutcropError, OSError) as error:
        why = error.message if isinstance(error, OutcropError) else str(error)
        yield tarfile.TarInfo.create_pax_global_header({REFUSED: why})
        yield tarfile.TarInfo(REFUSED).tobuf(tarfile.PAX_FORMAT)  # a header must be followed by another
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _header(name: str, entry: Entry) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = _TYPES[entry.kind]
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.mtime = entry.mtime_ns // 1_000_000_000
    info.linkname = entry.target
    if entry.kind == "file":
        info.size = entry.size
    elif entry.kind in ("character", "block"):
        info.devmajor, info.devminor = os.major(entry.device), os.minor(entry.device)
    info.pax_headers = {
        f"SCHILY.xattr.{key}": value.decode("utf-8", "surrogateescape") for key, value in entry.xattrs
    }
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
