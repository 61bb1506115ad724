"""Whether something written survived: what a power cut may have torn is not trusted after it.

Layers and entries are written without syncing each. They carry a stamp, the boot in which and the
time at which they were written; one `syncfs` after many of them leaves a mark `durable-v1/<boot>`
with the time before which everything of that boot is on the disk. A stamp of this boot is good
(what the page cache holds is whole); one of an earlier boot is good when a mark covers it.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import os
import time

import msgspec

from engine.store import disk


class Stamp(msgspec.Struct, frozen=True):
    """`at`: nanoseconds since that boot."""

    boot: str
    at: int


class Durability:
    """The marks of one store."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folder = os.path.join(root, "durable-v1")
        self._boot = _boot_id()
        self._durable_until: dict[str, int] = {}
        self._written = False

    def stamp(self) -> Stamp:
        """For what is about to become visible; the next `sync` covers it."""
        self._written = True
        return Stamp(self._boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def is_trusted(self, stamp: Stamp) -> bool:
        """Whether what carries this stamp is whole."""
        if stamp.boot == self._boot:
            return True
        until = self._durable_until.get(stamp.boot)
        if until is None:
            until = self._durable_until[stamp.boot] = self._mark(stamp.boot)
        return stamp.at <= until

    def sync(self) -> None:
        """Bring everything stamped so far to the disk, then say so. Nothing when nothing was stamped."""
        if not self._written:
            return
        self._written = False
        until = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        try:
            _sync_filesystem(self._root)
            if until > self._mark(self._boot):
                os.makedirs(self._folder, exist_ok=True)
                disk.write_atomically(os.path.join(self._folder, self._boot), b"%d" % until, is_durable=True)
        except OSError:
            self._written = True
            raise

    def _mark(self, boot: str) -> int:
        text = disk.read_file(os.path.join(self._folder, boot)) or b""
        return int(text) if text.isdigit() else -1


def _boot_id() -> str:
    text = disk.read_file("/proc/sys/kernel/random/boot_id")
    return "" if text is None else text.decode().strip()


def _sync_filesystem(path: str) -> None:
    import ctypes  # late: only what wrote something pays for it

    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)
