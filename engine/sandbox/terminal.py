"""Lends the terminal to a program, and takes it back as it was."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager

# What the keyboard sends to a foreground group while the program has none of its own yet.
_KEYBOARD = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)


@contextmanager
def foreground(*, has_terminal: bool) -> Iterator[None]:
    """Meanwhile this process ignores the keyboard's signals; then the terminal, descriptor 0, is restored."""
    if has_terminal and os.getsid(0) == os.getpid():
        _take_the_terminal()
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _KEYBOARD}
    settings = termios.tcgetattr(0) if has_terminal else None
    try:
        yield
    finally:
        if settings is not None:
            # We are in the background now, and would be stopped for touching the terminal.
            writing = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            try:
                os.tcsetpgrp(0, os.getpgrp())
                termios.tcsetattr(0, termios.TCSADRAIN, settings)
            except (OSError, termios.error):
                pass  # it has been closed
            finally:
                signal.signal(signal.SIGTTOU, writing)
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_the_terminal() -> None:
    """The leader of a session that has no controlling terminal, as in a pane, takes the one it was given."""
    try:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    except OSError:
        pass  # it has one
