"""A terminal that is closed ends the program, also where the kernel tells only its shell."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

_KERNEL_FIRST_SECONDS = 1.0
_ENDS_WITHIN_SECONDS = 3.0
_HUNG_UP = 128 + signal.SIGHUP


def end_with_terminal(descriptor: int) -> None:
    """Send this process SIGHUP once the terminal behind `descriptor` is gone.

    The kernel sends it to the group in the foreground only, which is another one while a shell is open.
    Without it Textual would go on to read from nothing. Its end may wait for ever for its thread that
    writes, which has died of a terminal that is gone: then the process ends as it is.
    """

    def wait() -> None:
        closing = select.poll()
        closing.register(descriptor, 0)  # nothing but that it is gone
        closing.poll()
        time.sleep(_KERNEL_FIRST_SECONDS)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(_ENDS_WITHIN_SECONDS)
        os._exit(_HUNG_UP)

    threading.Thread(target=wait, daemon=True).start()
