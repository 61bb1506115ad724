"""Arguments → command line or interface: the `outcrop` program."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable
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

    code = run_command(interfaces={"run": _open_interface, "inspect": _open_inspect})
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
    # A run without it must not wait for this import.
    from tui.opening import open_interface

    return _on_terminal(lambda: open_interface(arguments, console), console)


def _open_inspect(arguments: list[str], console: Console) -> int | None:
    """The same, for `outcrop inspect`."""
    if not is_interactive(console) or any(word.startswith(_HEADLESS) for word in arguments):
        return None
    from tui.opening_place import open_place  # late, as above

    return _on_terminal(lambda: open_place(arguments, console), console)


def _on_terminal(interface: Callable[[], int | None], console: Console) -> int | None:
    """Run what draws on the terminal, and end with it."""
    from tui.hangup import end_with_terminal

    if os.isatty(0):
        end_with_terminal(0)
    try:
        return interface()
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
