"""Where the files of a layer lie: in its directory, or in those of the layers that it stands on."""

from __future__ import annotations

import errno
import re

import msgspec

from engine.inspection.beneath import NotRegular, open_regular
from engine.model.errors import StoreError
from engine.store import manifest_file
from engine.store.stacks import MOST_HIGH

_MOST_KNOWN = 32  # layers; what differs in one is up to some thousands of paths
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class LayerTrees(msgspec.Struct, frozen=True):
    """The directories of one layer, topmost first, each with the paths in it; the last has the rest."""

    upper: tuple[tuple[str, frozenset[str]], ...]
    lowest: str

    def with_file(self, path: str) -> str:
        """The directory in which the file at `path` lies, if the layer has it."""
        for tree, paths in self.upper:
            if path in paths:
                return tree
        return self.lowest


def trees_of(root: str, digest: str) -> LayerTrees:
    """Those of a layer of the store at `root`; FileNotFoundError for what is no digest or damaged."""
    upper: list[tuple[str, frozenset[str]]] = []
    while len(upper) < MOST_HIGH:
        if _DIGEST.fullmatch(digest) is None:
            break
        folder = f"{root}/layers-v1/{digest[:2]}/{digest}"
        header = manifest_file.read_header(f"{folder}/manifest")
        if header is None or not header.stands_on:
            return LayerTrees(tuple(upper), f"{folder}/tree")
        try:
            noted = manifest_file.read_with_header(f"{folder}/manifest")[1]
        except StoreError:
            break
        upper.append((f"{folder}/tree", frozenset(noted.entries)))
        digest = header.stands_on
    raise FileNotFoundError(errno.ENOENT, "no layer", digest)


class LayerFiles:
    """Opens regular files of layers of the store at `root`; any thread may ask."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, LayerTrees] = {}

    def open(self, digest: str, path: str) -> int:
        """A descriptor of a file; OSError, NotRegular.

        A layer that was made again may lie elsewhere; what is opened where it lay is the same file.
        """
        known = self._known.get(digest)
        if known is not None:
            try:
                return open_regular(known.with_file(path), path)
            except PermissionError:
                raise
            except (OSError, NotRegular):
                pass  # look where it is now
        found = trees_of(self._root, digest)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[digest] = found
        return open_regular(found.with_file(path), path)
