"""The store of one user: everything the engine keeps, below one directory.

```
index-v1.sqlite              an index only, rebuilt from the files below
layers-v1/<2 hex>/<digest>/  manifest, tree/ (a directory that can be a lowerdir, of a layer that stands
                             on another only what differs), index of a large layer
entries-v1/<2 hex>/<key>/    entry.json, log
runs-v1/<run id>/            run.json, events.jsonl, logs/, tasks/, failed/, holds
inspected-v1/<id>/           images that others made, as `outcrop inspect` read them
definitions-v1/ snapshots-v1/ memos-v1/ derived-v1/   caches of pure results
durable-v1/<boot id>         the time before which everything of that boot is on the disk
work/<pid>-<start time>/     temporary, of one live process
locks/                       flock files
engine/                      socket, lock and log of the engine that serves this store
```
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from engine.model.errors import MachineError
from engine.store import disk
from engine.store.durability import Durability
from engine.store.entries import EntryStore
from engine.store.holds import Holds
from engine.store.layers import LayerStore
from engine.store.locks import Locks
from engine.store.memos import Memos
from engine.store.runs import RunStore
from engine.store.work_directory import WorkDirectory

if TYPE_CHECKING:  # SQLite costs 12 ms to import: only those who ask pay
    from engine.store.cache_index import CacheIndex

_FOLDERS = ("layers-v1", "entries-v1", "runs-v1", "work", "locks")


def default_root() -> str:
    """`$OUTCROP_HOME`, or where the user's data belongs."""
    home = os.environ.get("OUTCROP_HOME")
    if home:
        return os.path.abspath(home)
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "outcrop")


class Store:
    """Open with `Store.open`; `close` removes this process's work directory."""

    def __init__(self, root: str, read_only: bool) -> None:
        self.root = root
        self.read_only = read_only
        self._work: WorkDirectory | None = None
        self.durability = Durability(root)
        self.holds = Holds()
        self.locks = Locks(os.path.join(root, "locks"), read_only)
        self.layers = LayerStore(root, self.durability, self.locks, self.holds, self._new_directory)
        self.entries = EntryStore(
            root, self.durability, self.locks, self.holds, self.layers, self._new_directory
        )
        self.runs = RunStore(root, self.holds)

    @staticmethod
    def open(home: str | None = None) -> Store:
        """Open the store at `home`, made when missing. One that cannot be written is opened for reading.

        Raises MachineError when it is not there and cannot be made.
        """
        root = os.path.abspath(home) if home else default_root()
        if not os.path.isdir(os.path.join(root, _FOLDERS[-1])):
            _make(root)
        return Store(root, read_only=not os.access(root, os.W_OK | os.X_OK))

    def require_writable(self) -> None:
        """MachineError when the store can only be read."""
        if self.read_only:
            raise MachineError(
                f"the store `{self.root}` cannot be written",
                hint="change its permissions, or set `OUTCROP_HOME` to a directory of your own",
            )

    def work_directory(self) -> WorkDirectory:
        """This process's work directory, made on the first call; it and all in it go with `close`."""
        if self._work is None:
            self.require_writable()
            with disk.DiskErrors(self.root):
                work = WorkDirectory(os.path.join(self.root, "work"), self.locks, self.holds)
                work.open()
            self._work = work
        return self._work

    def memos(self, scope: str) -> Memos:
        """Remembered pure results of one definition (`scope` is its path)."""
        return Memos(self.root, scope)

    @cached_property
    def index(self) -> CacheIndex:
        """The SQLite index, opened on first use."""
        from engine.store.cache_index import CacheIndex

        return CacheIndex(self.root, self.read_only)

    def sync(self) -> None:
        """Make what this process stored survive a power cut; any thread may."""
        with disk.DiskErrors(self.root):
            self.durability.sync()

    def close(self) -> None:
        """Remove the work directory and let go of everything."""
        if self._work is not None:
            self._work.close()
            self._work = None
        if "index" in self.__dict__:
            self.index.close()
        self.locks.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _new_directory(self) -> str:
        return self.work_directory().directory()


def _make(root: str) -> None:
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
        for folder in _FOLDERS:
            os.makedirs(os.path.join(root, folder), exist_ok=True)
    except OSError as error:
        if os.path.isdir(os.path.join(root, _FOLDERS[0])):  # a store that can be read
            return
        raise MachineError(
            f"the store `{root}` cannot be made: {(error.strerror or str(error)).lower()}",
            "free some space, or set `OUTCROP_HOME` to a directory that you can write to",
        ) from error
