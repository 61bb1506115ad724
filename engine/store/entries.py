"""Cache entries: `entries-v1/<2 hex>/<cache key>/{entry.json,log}`, made whole by one rename."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import os
from collections.abc import Callable, Iterator

import msgspec

from engine.model.records import CacheEntry
from engine.store import disk
from engine.store.durability import Durability, Stamp
from engine.store.holds import Holds
from engine.store.layers import LayerStore
from engine.store.locks import Locks


class StoredEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What `entry.json` holds."""

    stamp: Stamp
    entry: CacheEntry


_decode = msgspec.json.Decoder(StoredEntry).decode


class EntryStore:
    """`new_directory` gives a fresh directory in this process's work directory."""

    def __init__(
        self,
        root: str,
        durability: Durability,
        locks: Locks,
        holds: Holds,
        layers: LayerStore,
        new_directory: Callable[[], str],
    ) -> None:
        self._root = root
        self._folder = os.path.join(root, "entries-v1")
        self._durability = durability
        self._locks = locks
        self._holds = holds
        self._layers = layers
        self._new_directory = new_directory

    def path(self, cache_key: str) -> str:
        """The directory of an entry."""
        return f"{self._folder}/{cache_key[:2]}/{cache_key}"

    def log_path(self, cache_key: str) -> str:
        """The log of the execution that made the entry; it may be missing."""
        return os.path.join(self.path(cache_key), "log")

    def peek(self, cache_key: str) -> CacheEntry | None:
        """As `get`, for looking only: nothing is held and nothing counts as used."""
        stored = self._read(cache_key)
        if stored is None or not all(self._layers.has(digest) for digest in _layers_of(stored.entry)):
            return None
        return stored.entry

    def get(self, cache_key: str) -> CacheEntry | None:
        """The entry, held with its layers; None when one is missing or damaged."""
        with self._locks.holding():
            stored = self._read(cache_key)
            if stored is None:
                return None
            if not self._layers.hold(*_layers_of(stored.entry)):
                return None
            self._note_use(cache_key)
        return stored.entry

    def put(self, entry: CacheEntry, log: str | None = None, begin: int | None = None) -> None:
        """Store an entry whose layers are committed, in place of an older one.

        `log`: a file to link to; with `begin`, since it goes on growing, to copy from that offset on.
        """
        with disk.DiskErrors(self._root):
            aside = self._new_directory()
            stored = StoredEntry(stamp=self._durability.stamp(), entry=entry)
            disk.write_new(os.path.join(aside, "entry.json"), msgspec.json.encode(stored))
            if log is not None and begin is None:
                os.link(log, os.path.join(aside, "log"))
            elif log is not None:
                disk.copy_rest(log, begin or 0, os.path.join(aside, "log"))
            self._replace(aside, self.path(entry.cache_key))
            self._holds.add(entry.cache_key)

    def remove(self, cache_key: str) -> None:
        """Forget an entry; its layer stays."""
        try:
            os.rename(self.path(cache_key), os.path.join(self._new_directory(), "entry"))
        except FileNotFoundError:
            pass

    def cache_keys(self) -> Iterator[str]:
        """The cache keys of all entries, whole or not."""
        for prefix in disk.names_in(self._folder):
            yield from disk.names_in(os.path.join(self._folder, prefix))

    def is_sound(self, cache_key: str) -> bool:
        """Whether the entry can be read and trusted; its layers may be missing."""
        return self._read(cache_key) is not None

    def layers_of(self, cache_key: str) -> set[str]:
        """The layers that an entry leads to; none when it is damaged."""
        stored = self._read(cache_key)
        return set() if stored is None else _layers_of(stored.entry)

    def _read(self, cache_key: str) -> StoredEntry | None:
        content = disk.read_file(f"{self.path(cache_key)}/entry.json")
        if content is None:
            return None
        try:
            stored = _decode(content)
        except msgspec.DecodeError:
            return None
        if not self._durability.is_trusted(stored.stamp) or stored.entry.cache_key != cache_key:
            return None
        return stored

    def _replace(self, aside: str, target: str) -> None:
        while True:
            try:
                os.rename(aside, target)
                return
            except FileNotFoundError:
                disk.make_directory(os.path.dirname(target))
            except OSError:
                if not os.path.isdir(target):
                    raise
                try:
                    os.rename(target, os.path.join(self._new_directory(), "entry"))
                except FileNotFoundError:  # someone else replaces it at this moment
                    pass

    def _note_use(self, cache_key: str) -> None:
        """Hold it, and make it the most recently used: its file's time is what collection goes by."""
        self._holds.add(cache_key)
        try:
            os.utime(f"{self.path(cache_key)}/entry.json")
        except OSError:  # a store that is only read
            pass


def _layers_of(entry: CacheEntry) -> set[str]:
    found = set(entry.artifacts.values())
    if entry.layer is not None:
        found.add(entry.layer)
    return found
