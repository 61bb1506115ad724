"""The index beside a layer's manifest: written with a large layer, or when a layer is first looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.file_tree import LayerManifest
from engine.model.errors import MachineError
from engine.store import disk
from engine.store.recent import Recent

if TYPE_CHECKING:  # only those pay for it who look at layers, or make a large one
    from engine.layer_files.layer_index import LayerIndex

NAME = "index"
_WORTH_A_FILE = 256  # entries; a smaller one is made in milliseconds
_WORTH_WRITING_AT_ONCE = 4096  # entries of a layer that is just made
_SHARED_WORTH_WRITING = 50_000  # of a snapshot: it is made by every run, and hardly ever looked at
_ROWS_KEPT = 300_000  # of indexes in memory, at about 90 bytes each
_ROWS_MAPPED_LIKE_ONE = 32  # so much less does a mapped one weigh


class LayerIndexes:
    """`new_directory` gives a fresh directory in this process's work directory."""

    def __init__(self, new_directory: Callable[[], str]) -> None:
        self._new_directory = new_directory
        self._recent: Recent[LayerIndex] = Recent(_ROWS_KEPT)

    def write_new(self, folder: str, manifest: LayerManifest, is_shared: bool) -> None:
        """Add the index to a layer that nobody else knows yet, if it is a large one."""
        count = len(manifest.entries)
        if count >= (_SHARED_WORTH_WRITING if is_shared else _WORTH_WRITING_AT_ONCE):
            from engine.layer_files.encoding import encode

            disk.write_new(os.path.join(folder, NAME), encode(manifest))

    def get(self, folder: str, digest: str, manifest_of: Callable[[], LayerManifest]) -> LayerIndex:
        """The index of a layer; `manifest_of` is asked where there is none yet, and may raise."""
        found = self._recent.get(digest)
        if found is not None:
            return found
        from engine.layer_files.layer_index import LayerIndex

        path = os.path.join(folder, NAME)
        mapped = LayerIndex.open(path)
        if mapped is None:
            from engine.layer_files.encoding import encode

            content = encode(manifest_of())
            made = LayerIndex.read(content)
            if made.rows >= _WORTH_A_FILE and self._put(path, content):
                mapped = LayerIndex.open(path)
            if mapped is None:
                self._recent.put(digest, made, made.rows)
                return made
        self._recent.put(digest, mapped, 1 + mapped.rows // _ROWS_MAPPED_LIKE_ONE)
        return mapped

    def _put(self, path: str, content: bytes) -> bool:
        """Whether the file could be written: a store may be one that is only read, a disk may be full."""
        try:
            aside = os.path.join(self._new_directory(), NAME)
            disk.write_new(aside, content)
            os.rename(aside, path)
        except (OSError, MachineError):
            return False
        return True
