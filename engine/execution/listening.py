"""Sockets in the store, at which other programs ask the process of a run."""

from __future__ import annotations

import os
import socket

from engine.model.errors import MachineError


def listening_socket(directory: str, name: str, mode: int, waiting: int) -> socket.socket:
    """A socket that listens as `name` in `directory`, for at most that many who wait; it never blocks.

    MachineError where there can't be one.
    """
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Through the descriptor, as the name of a socket has to be short.
            opened.bind(f"/proc/self/fd/{folder}/{name}")
        finally:
            os.close(folder)
        os.chmod(os.path.join(directory, name), mode)
        opened.listen(waiting)
    except OSError as error:
        opened.close()
        raise MachineError(f"cannot listen at `{directory}/{name}`: {error.strerror}") from error
    return opened
