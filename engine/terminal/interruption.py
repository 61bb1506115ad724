"""Signals that end the program: all of them do what Ctrl-C does, and differ in the exit code only."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """While open, SIGTERM and SIGHUP raise SIGINT, which ends in KeyboardInterrupt.

    A SIGHUP that was ignored from the start (nohup) stays ignored; SIGINT never is, although
    shells start background jobs that way: whoever sends it means it.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None

    def __enter__(self) -> Interruption:
        if signal.getsignal(signal.SIGINT) != signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in _SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._pass_on)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in _SIGNALS:
            if signal.getsignal(number) == self._pass_on:
                signal.signal(number, signal.SIG_DFL)

    @property
    def exit_code(self) -> int:
        """130, 143 or 129, after the signal that came."""
        return 128 + (self._received or signal.SIGINT)

    def exit_code_after(self, code: int) -> int:
        """This one, unless a signal was the reason that the program came to its end."""
        return code if self._received is None else self.exit_code

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._received = signal.Signals(number)
        signal.raise_signal(signal.SIGINT)
