"""Opens files of layers that only the user namespace can read; started by `reader`, ends with its socket.

Its standard input is the socket. A message is `layer digest NUL path`; the answer is a descriptor, or the
number of the error as text. It opens nothing but regular files of layers of the store that it is given.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys

from engine.inspection.beneath import NotRegular
from engine.inspection.layer_trees import LayerFiles
from engine.model.errors import MachineError
from engine.sandbox import namespace

LONGEST_MESSAGE = 1 << 20
NOT_REGULAR, READY = b"not a regular file", b"ready"


def serve(connected: socket.socket, root: str) -> None:
    """Answer until the other side has gone."""
    files = LayerFiles(root)
    while message := connected.recv(LONGEST_MESSAGE):
        digest, _, path = os.fsdecode(message).partition("\0")
        try:
            opened = files.open(digest, path)
        except NotRegular:
            connected.send(NOT_REGULAR)
        except OSError as error:
            connected.send(str(error.errno or errno.EIO).encode())
        else:
            try:
                socket.send_fds(connected, [b"opened"], [opened])
            finally:
                os.close(opened)


def main() -> int:
    """The whole life of the process; its argument is the root of the store."""
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connected = socket.socket(fileno=os.dup(0))
    try:
        if os.geteuid() != 0:
            namespace.enter_user_namespace()
    except MachineError as error:
        connected.send(os.fsencode(f"{error.message}\0{error.hint or ''}"))
        return error.exit_code
    connected.send(READY)
    serve(connected, sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
