"""What can be asked of a run in progress, and where it hears that: one JSON object a line on a descriptor."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import os
import select
from typing import Union

import msgspec

from engine.events import PausePoint


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag="cancel", tag_field="type"):
    """End these tasks, or with None the whole run. What has not started is skipped."""

    tasks: tuple[str, ...] | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, tag="retry", tag_field="type"):
    """Try these tasks again, or with None all that failed or were cancelled.

    `from_here`: their scripts go on from what they left and from what shells have changed in it.
    """

    tasks: tuple[str, ...] | None = None
    from_here: bool = False


class KeepGoing(msgspec.Struct, frozen=True, kw_only=True, tag="keep_going", tag_field="type"):
    """Whether the run goes on after the next failure, as far as it can."""

    enabled: bool


class Break(msgspec.Struct, frozen=True, kw_only=True, tag="break", tag_field="type"):
    """Pause a task there as well, or with None nowhere any more. One that has passed the place goes on."""

    task: str
    where: PausePoint | None = "before"


class Continue(msgspec.Struct, frozen=True, kw_only=True, tag="continue", tag_field="type"):
    """Let these tasks go on, or with None all that are paused."""

    tasks: tuple[str, ...] | None = None


class Watch(msgspec.Struct, frozen=True, kw_only=True, tag="watch", tag_field="type"):
    """Whether the run waits for changes once its tasks have ended, instead of ending too."""

    enabled: bool


Command = Union[Cancel, Retry, KeepGoing, Break, Continue, Watch]
_CHUNK = 1 << 16


class Steering:
    """Commands from a pipe or socket, in order. Its end means that nobody steers any more: cancel the run.

    `begun`: bytes that were read from it already. What is no command is ignored. `is_over` once it has ended.
    """

    def __init__(self, descriptor: int, begun: bytes = b"") -> None:
        self.descriptor = descriptor
        self.is_over = False
        self._rest = begun
        self._decode = msgspec.json.Decoder(Command).decode
        self._taken: list[Command] = []
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def commands(self) -> list[Command]:
        """What was asked since the last time; never blocks."""
        self._read()
        taken, self._taken = self._taken, []
        return taken

    def raise_if_cancelled(self) -> None:
        """KeyboardInterrupt when the end of the run was asked for; other commands stay for later."""
        self._read()
        if any(isinstance(command, Cancel) and command.tasks is None for command in self._taken):
            raise KeyboardInterrupt

    def _read(self) -> None:
        while not self.is_over and self._poll.poll(0):
            try:
                data = os.read(self.descriptor, _CHUNK)
            except OSError:  # the other end of a socket was closed with something unread
                data = b""
            self._rest += data or b'\n{"type":"cancel"}\n'
            self.is_over = not data
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            try:
                self._taken.append(self._decode(line))
            except msgspec.DecodeError:
                continue
