"""Who wrote the versions of a wasteful path, and what to do about it, in one sentence; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from engine.explain import printable
from engine.file_tree import Entry
from engine.images.efficiency import WastedFile
from engine.layer_files.layer_index import LayerIndex

BASE = "base"
_IMAGE = "image"
_LONGEST = 60

# What one keeps out of layers: a pattern of paths, what it is, and what removes it.
_LEFTOVERS = (
    (r"var/lib/apt/lists/", "lists of packages", "rm -rf /var/lib/apt/lists/*"),
    (r"var/cache/(apt|apk|dnf|yum)/", "downloaded packages", "apt-get clean"),
    (r"(.*/)?__pycache__/", "compiled Python", "PYTHONDONTWRITEBYTECODE=1"),
    (r"(root|home/[^/]+)/\.cache/", "a cache", "rm -rf ~/.cache"),
    (r"(root|home/[^/]+)/\.npm/", "npm's cache", "npm cache clean --force"),
    (r"(.*/)?node_modules/\.cache/", "a cache", "rm -rf node_modules/.cache"),
    (r"(tmp|var/tmp)/", "a temporary file", "rm -rf /tmp/*"),
    (r"var/log/", "a log", "rm -rf /var/log/*"),
)
# What every installation of a package writes anew.
_REWRITTEN = re.compile(
    r"var/lib/(dpkg|rpm|apk)/|lib/apk/db/|usr/lib/sysimage/rpm/|etc/ld\.so\.cache$|var/cache/(ldconfig|debconf)/"
)

_GLOB = re.compile(r"[*?\[\]{}\\]")


class NamedLayer(Protocol):
    """What is asked about a layer."""

    @property
    def name(self) -> str: ...

    @property
    def result(self) -> str: ...


class Told:
    """The layers that advice is about; `workspace` is relative to the root."""

    def __init__(self, layers: Sequence[NamedLayer], indexes: Sequence[LayerIndex], workspace: str) -> None:
        self._layers = layers
        self._indexes = indexes
        self._workspace = workspace

    def is_base(self, position: int) -> bool:
        """Whether no task brought the layer."""
        return self._layers[position].result == BASE

    def is_image(self, position: int) -> bool:
        """Whether it is of an image that others made."""
        return self._layers[position].result == _IMAGE

    def name(self, position: int) -> str:
        """How a layer is called in a sentence: by its task, or of an image counted from 1."""
        layer = self._layers[position]
        if self.is_base(position):
            return "the base"
        name = printable(layer.name)
        short = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        if self.is_image(position):
            return f"layer {position + 1} (`{short}`)" if name else f"layer {position + 1}"
        return f"`{short}`"

    def entry(self, position: int, path: str) -> Entry | None:
        """What the layer has at a path."""
        return self._indexes[position].entry(path)

    def filter(self, path: str) -> str:
        """The entry of `outputs.filesystem.filter` that leaves a path out."""
        inside = path.startswith(f"{self._workspace}/") if self._workspace else False
        name = _GLOB.sub(r"\\\g<0>", path[len(self._workspace) + 1 :] if inside else f"/{path}")
        entry = printable(name).replace("'", "''")
        return (
            f"`outputs: {{filesystem: {{filter: {{{'workspace' if inside else 'system'}: ['!{entry}']}}}}}}`"
        )


def advice_for(told: Told, wasted: WastedFile) -> tuple[int, str]:
    """The layer where something can be done, and what."""
    path = wasted.path
    first, last = wasted.versions[0], wasted.versions[-1]
    writers = [version.layer for version in wasted.versions if not version.is_removal]
    own = [position for position in writers if not told.is_base(position)]
    if last.is_removal:
        return _for_removed(told, path, writers or [first.layer], last.layer)
    if not own:
        return last.layer, "all versions are in the base: nothing can be done here but to choose another"
    if len(set(writers)) == 1:
        return last.layer, f"{told.name(last.layer)} removes it and writes it again: leave it where it is"
    before = writers[writers.index(last.layer) - 1] if writers.index(last.layer) else writers[0]
    old, new = told.entry(before, path), told.entry(last.layer, path)
    if old is not None and new is not None and (old.kind, old.digest) == (new.kind, new.digest):
        return _for_same(told, before, last.layer, old, new)
    leftover = next((found for found in _LEFTOVERS if re.match(found[0], path)), None)
    if leftover is not None:
        return own[0], _drop(told, path, own[0], leftover[1], leftover[2])
    if _REWRITTEN.match(path):
        names = _listed(told, own)
        where = (
            f"in one step what {names} install" if len(own) > 1 else f"what {names} installs into its base"
        )
        return own[-1], f"every installation writes it anew: install {where}"
    if told.is_base(writers[0]) and len(own) == 1:
        return own[0], f"{told.name(own[0])} replaces what the base has: begin with a base without it"
    return own[0], f"{_listed(told, writers)} each write it: write it once, in {told.name(last.layer)}"


def _for_removed(told: Told, path: str, writers: list[int], remover: int) -> tuple[int, str]:
    own = [position for position in writers if not told.is_base(position)]
    if not own:
        return remover, f"{told.name(remover)} removes what stays in the base: begin with a base without it"
    writer = own[-1]
    if writer == remover:
        return writer, f"{told.name(writer)} both writes and removes it: do not write it"
    then = f"{told.name(remover)} removes it only later: remove it in {told.name(writer)}, which writes it"
    return writer, then if told.is_image(
        writer
    ) else f"{then}, or leave it out there with {told.filter(path)}"


def _for_same(told: Told, before: int, after: int, old: Entry, new: Entry) -> tuple[int, str]:
    changed = [
        word
        for word, is_other in (
            ("mode", old.mode != new.mode),
            ("owner", (old.uid, old.gid) != (new.uid, new.gid)),
            ("attributes", old.xattrs != new.xattrs),
        )
        if is_other
    ]
    if not changed:
        return (
            after,
            f"{told.name(after)} writes the same content again: leave it as {told.name(before)} wrote it",
        )
    what = " and ".join(changed)
    how = " (`COPY --chown`, `--chmod`)" if told.is_image(after) else ""
    change = f"{told.name(after)} changes only its {what}"
    if told.is_base(before):
        return after, f"{change}, and so copies it out of the base: leave it, or change the base"
    return after, f"{change}: set {what} where it is written{how}, in {told.name(before)}"


def _drop(told: Told, path: str, writer: int, what: str, command: str) -> str:
    text = f"it is {what}: leave it out in {told.name(writer)} (`{command}` in the same step"
    return f"{text})" if told.is_image(writer) else f"{text}, or {told.filter(path)})"


def _listed(told: Told, positions: list[int]) -> str:
    names = list(dict.fromkeys(told.name(position) for position in positions))
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} others"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
