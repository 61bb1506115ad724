"""What was found out about files outside the store, remembered while their status stays the same."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import hashlib
import os
import time

import msgspec

from engine.model.errors import UserError
from engine.snapshot.cache_file import write_cache

_MARGIN_NS = 2_100_000_000


class _Known(msgspec.Struct, frozen=True, array_like=True):
    modified: int
    changed: int
    inode: int
    size: int
    digest: str


class Memory:
    """Content digests of files, kept in `snapshots-v1/files` of the store."""

    def __init__(self, store_root: str) -> None:
        self._path = os.path.join(store_root, "snapshots-v1", "files")
        self._known = _load(self._path)

    def digest_of(self, path: str) -> str | None:
        """The sha256 of a file's content; None when it is not there, UserError when it is unreadable."""
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        name = path.encode("utf-8", "surrogateescape").hex() if not path.isascii() else path
        known = self._known.get(name)
        now = _Known(status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size, "")
        if known is not None and msgspec.structs.replace(known, digest="") == now:
            return known.digest
        started = time.time_ns()
        digest = digest_of_file(path)
        # Too fresh a file may change once more without a change of its times.
        if max(status.st_mtime_ns, status.st_ctime_ns) < started - _MARGIN_NS:
            self._known[name] = msgspec.structs.replace(now, digest=digest)
            self._save()
        return digest

    def _save(self) -> None:
        write_cache(self._path, msgspec.msgpack.encode(self._known))


def _load(path: str) -> dict[str, _Known]:
    try:
        with open(path, "rb") as file:
            return msgspec.msgpack.decode(file.read(), type=dict[str, _Known])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def digest_of_file(path: str) -> str:
    """The sha256 of a file, read now; UserError when it cannot be."""
    content = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while data := file.read(1 << 20):
                content.update(data)
    except OSError as error:
        raise UserError(f"cannot read `{path}`: {(error.strerror or '').lower()}") from None
    return content.hexdigest()
