"""Digests that are pure results, kept from one run to the next so that unchanged work loads no manifest.

One file for each definition, `memos-v1/<digest of its path>`; it keeps what the last run asked for.
"""

from __future__ import annotations

import hashlib
import os
import zlib

import msgspec

from engine.store import disk

_decode = msgspec.msgpack.Decoder(dict[str, str]).decode


class Memos:
    """`scope` is any text, such as the definition's path. A damaged file counts as empty."""

    def __init__(self, root: str, scope: str) -> None:
        self._path = os.path.join(root, "memos-v1", hashlib.sha256(os.fsencode(scope)).hexdigest())
        self._known = self._load()
        self._used: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """What was remembered under a key (any text that names all inputs), or None."""
        value = self._used.pop(key, None)
        if value is None:
            value = self._known.get(key)
        if value is not None:
            self._used[key] = value  # the last one now
        return value

    def put(self, key: str, value: str) -> None:
        """Remember a result."""
        self._used[key] = value

    def forget_oldest(self, most: int) -> None:
        """Keep what was used last, so many; a run that goes on for long would remember all it ever was."""
        for key in tuple(self._used)[: max(0, len(self._used) - most)]:
            del self._used[key]

    def save(self) -> None:
        """Write what was used and put since the file was read, when that differs from the file."""
        if self._used == self._known or not self._used:
            return
        body = msgspec.msgpack.encode(self._used)
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        disk.write_atomically(self._path, b"%08x" % zlib.crc32(body) + body)
        self._known = dict(self._used)

    def _load(self) -> dict[str, str]:
        content = disk.read_file(self._path)
        if content is None or content[:8] != b"%08x" % zlib.crc32(content[8:]):
            return {}
        try:
            return _decode(content[8:])
        except msgspec.DecodeError:
            return {}
