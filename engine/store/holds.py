"""What live processes and kept runs need, so that garbage collection leaves it alone.

A process appends to `work/<process>/holds` before it relies on a layer or an entry; a run's
directory has a hard link to the file, so the list outlives the process. Finding and holding happen
under a shared lock, taking away under the exclusive one (`locks.holding`, `locks.deleting`).
"""

from __future__ import annotations

import os

from engine.store import disk


class Holds:
    """The list of this process. Without a file (a store that is only read) nothing is recorded."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._held: set[str] = set()
        self.path: str | None = None

    def open(self, path: str) -> None:
        """Begin to record; what was held so far is written too."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o644)
        self.path = path
        if self._held:
            disk.write_all(self._descriptor, "".join(f"{name}\n" for name in self._held).encode())

    def close(self) -> None:
        """Stop recording."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self.path = None

    def has(self, name: str) -> bool:
        """Whether `name` is held already."""
        return name in self._held

    def forget(self, name: str) -> None:
        """It turned out to be damaged: look again the next time."""
        self._held.discard(name)

    def add(self, *names: str) -> None:
        """Hold the layers and entries with these digests from now on."""
        new = [name for name in names if name not in self._held]
        if new:
            self._held.update(new)
            if self._descriptor >= 0:
                disk.write_all(self._descriptor, ("\n".join(new) + "\n").encode())


def read(path: str) -> set[str]:
    """The digests in a list; none when there is no such file."""
    content = disk.read_file(path)
    return set() if content is None else set(content.decode("ascii", "replace").split())
