"""The folder `engine` of a store: its socket, by which the store's engine is found, its lock and its log."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from engine.model.errors import MachineError
from engine.store.locks import FileLock, acquire

UNSEEN = "unseen"  # in the directory of a run that ended while nobody looked on
_NO_RESULT = b'"finished_at":null'
_SOCKET = "engine.sock"
_NEWEST = 20
_BACKLOG = 128
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


class EngineFolder:
    """`root` is the store's directory, an absolute path of any length."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.path = os.path.join(root, "engine")
        self.log_path = os.path.join(self.path, "engine.log")
        self.socket_path = os.path.join(self.path, _SOCKET)

    def make(self) -> None:
        """Make the folder, for its owner alone; MachineError when it can't be."""
        try:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            os.chmod(self.path, 0o700)
        except OSError as error:
            raise MachineError(
                f"the folder `{self.path}` cannot be made: {(error.strerror or str(error)).lower()}",
                "set `OUTCROP_HOME` to a directory that you can write to",
            ) from error

    def may_have_run_to_see(self) -> bool:
        """Whether one of the newest runs ended while nobody looked on, or does not seem to have ended.

        Asks no engine, and reads quickly rather than well: a run that was killed is one of them.
        """
        runs = os.path.join(self.root, "runs-v1")
        try:
            newest = sorted(os.listdir(runs))[-_NEWEST:]
        except OSError:
            return False
        return any(_is_to_be_seen(os.path.join(runs, run)) for run in newest)

    def lock(self) -> FileLock | None:
        """The right to serve the store; None while another process has it. It ends with its process."""
        return acquire(os.path.join(self.path, "lock"), waits=False)

    def listen(self) -> socket.socket:
        """The socket, in place of one that a dead engine left. Only for whoever has the lock."""
        self.remove_socket()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(0o177)
        try:
            self._at_short_path(listening.bind)
            listening.listen(_BACKLOG)
        finally:
            os.umask(umask)
        return listening

    def connect(self, timeout: float | None = None) -> socket.socket:
        """A connection to the engine; OSError when there is none."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(timeout)
        try:
            self._at_short_path(connected.connect)
        except OSError:
            connected.close()
            raise
        return connected

    def remove_socket(self) -> None:
        """Only for whoever has the lock."""
        try:
            os.unlink(self.socket_path)
        except FileNotFoundError:
            pass

    def _at_short_path(self, act: Callable[[str], None]) -> None:
        """The kernel takes at most 108 bytes of path: it gets the folder's descriptor instead."""
        folder = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            act(f"/proc/self/fd/{folder}/{_SOCKET}")
        finally:
            os.close(folder)


def _is_to_be_seen(run: str) -> bool:
    if os.path.exists(os.path.join(run, UNSEEN)):
        return True
    try:
        with open(os.path.join(run, "run.json"), "rb") as file:
            return _NO_RESULT in file.read()
    except OSError:
        return False


def peer(connected: socket.socket) -> tuple[int, int]:
    """(pid, uid) of the process at the other end, as the kernel says."""
    data = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    return pid, uid
