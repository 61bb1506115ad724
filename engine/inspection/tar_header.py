"""An entry of a layer as a member of a tar."""

from __future__ import annotations

import os
import tarfile

from engine.file_tree import DIRECTORY, Entry

_TYPES = {
    "file": tarfile.REGTYPE,
    DIRECTORY: tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "fifo": tarfile.FIFOTYPE,
    "character": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
}


def tar_info(name: str, entry: Entry) -> tarfile.TarInfo:
    """Owners by number, times in whole seconds, extended attributes as `SCHILY.xattr.…`."""
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
    return info
