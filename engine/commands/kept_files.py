"""The filesystems of past tasks, put together from the manifests of their layers; nothing is mounted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from engine.file_tree import Entry, FileTree, LayerManifest, apply_layer
from engine.model.errors import StoreError, UsageError
from engine.model.records import TaskRecord
from engine.past.past_run import PastRun
from engine.store.input_view import InputView
from engine.store.linking import sources_of
from engine.store.store import Store


class KeptFiles:
    """What a task started from (`before`) and what it left (`after`), also when it failed.

    Both are whole, as its consumers and its image have them: what its filter hid from the task
    itself is there. `outcrop shell` shows the task's own view.
    """

    def __init__(self, store: Store, kept: TaskRecord) -> None:
        self.store = store
        self.kept = kept

    @property
    def workspace(self) -> str:
        """Relative to the root."""
        return self.kept.workspace.strip("/")

    @cached_property
    def before(self) -> Mapping[str, Entry]:
        """The input layers merged."""
        return InputView(self.store.layers.merged, self.kept.layers, self.workspace).tree

    @cached_property
    def own(self) -> LayerManifest:
        """What the task itself changed; empty when it changed nothing."""
        if self.kept.own_layer is None:
            return LayerManifest({})
        return self.store.layers.manifest(self.kept.own_layer)

    @cached_property
    def after(self) -> FileTree:
        """What the task left behind."""
        tree = dict(self.before)
        apply_layer(tree, self.own)
        return tree

    def sources(self, wanted: Mapping[str, Entry]) -> dict[str, str]:
        """Where the bytes of these files are kept: path -> file; StoreError when a layer has lost one."""
        files = {path: entry for path, entry in wanted.items() if entry.kind == "file"}
        own = () if self.kept.own_layer is None else (self.kept.own_layer,)
        found = sources_of(self.store.layers, (*self.kept.layers, *own), files)
        for path in files.keys() - found.keys():
            raise StoreError(f"no layer holds `{path}` any more")
        return found


def files_of(past: PastRun, task: str) -> KeptFiles:
    """The files of a task that ran or was a hit; UsageError when it did not get so far."""
    kept = past.kept(task)
    if kept is None or (kept.record is None and not kept.layers):
        raise UsageError(f"task `{task}` did not run in run `{past.run}`, so it has no files")
    if not kept.has_ended:
        raise UsageError(f"task `{task}` did not end in run `{past.run}`, so its files are not kept")
    return KeptFiles(past.store, kept)


def read(path: str) -> bytes:
    """The bytes of a kept file."""
    with open(path, "rb") as file:
        return file.read()


def make_readable(places: list[str], files: KeptFiles) -> None:
    """Enter the user namespace when a kept file belongs to another of the user's ids (rootless only)."""
    if os.geteuid() == 0 or all(os.access(place, os.R_OK) for place in places):
        return
    from engine.sandbox import namespace  # only rootless, and only for such files

    namespace.enter(files.store.root)
