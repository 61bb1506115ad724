"""Arguments → command line or interface: the `outcrop` program."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from engine.quick_start import import_msgspec_quickly

if TYPE_CHECKING:  # what the command line alone needs is imported before it is run, and nothing else
    from engine.terminal.console import Console

_HEADLESS = ("-h", "--help", "--progress")


def main() -> NoReturn:
    """Run the program and end the process.

    It ends without taking the interpreter apart, which costs 7 ms: everything that must be closed is
    closed by then. Collecting cycles while modules are loaded costs another 3.
    """
    gc.set_threshold(100_000)
    import_msgspec_quickly()
    from engine.cli import main as run_command  # after msgspec, which it imports

    code = run_command(interface=_open_interface)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, or never open
            pass
    os._exit(code)


def _open_interface(arguments: list[str], console: Console) -> int | None:
    """The app's exit code; None where it can't be drawn, or where something else was asked for."""
    if not is_interactive(console) or any(word.startswith(_HEADLESS) for word in arguments):
        return None
    # A run without it must not wait for these imports.
    from tui.hangup import end_with_terminal
    from tui.opening import open_interface

    if os.isatty(0):
        end_with_terminal(0)
    try:
        return open_interface(arguments, console)
    except OSError as error:
        if error.errno != errno.EIO or os.isatty(console.errors):
            raise
        return 128 + signal.SIGHUP  # the terminal has been closed, and nobody is there to be told


def is_interactive(console: Console) -> bool:
    """Whether the app can read keys and draw: it draws on the third stream, and asks the second.

    textual-serve names a driver of its own, which draws in a browser.
    """
    if "TEXTUAL_DRIVER" in console.environment:
        return True
    return console.can_move and os.isatty(console.errors) and os.isatty(0)


if __name__ == "__main__":
    main()
