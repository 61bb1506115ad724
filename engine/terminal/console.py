"""Where the command line writes: the two streams, and what may be written to them."""

from __future__ import annotations

import errno
import os

from engine.model.errors import MachineError

_BUFFER = 1 << 16
_PLAIN = str.maketrans({"…": "...", "→": "->", "–": "-", "—": "-", "’": "'", "×": "x"})


class Console:
    """Standard output and standard error of this process.

    `is_terminal`, `can_move` (the cursor) and `colour` are about standard output. Text that its
    encoding lacks is escaped, never an error. BrokenPipeError when the reader has gone,
    MachineError when the device is full.
    """

    def __init__(self, environment: dict[str, str], output: int = 1, errors: int = 2) -> None:
        self.output = output
        self.errors = errors
        self.environment = environment
        self.is_terminal = os.isatty(output)
        self.can_move = self.is_terminal and environment.get("TERM", "dumb") != "dumb"
        self.colour = self.can_move and not environment.get("NO_COLOR")
        self.encoding = encoding(environment) if self.is_terminal else "utf-8"
        self.is_unicode = self.encoding == "utf-8"
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def line(self, text: str = "") -> None:
        """One line of standard output; buffered until `flush` unless it is a terminal."""
        self.write(self.encoded(text + "\n"))

    def encoded(self, text: str) -> bytes:
        """As this terminal can show it: punctuation in plain letters, the rest escaped."""
        if not self.is_unicode and not text.isascii():
            text = text.translate(_PLAIN)
        return text.encode(self.encoding, "backslashreplace")

    def write(self, data: bytes) -> None:
        """Bytes to standard output; buffered."""
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _BUFFER or self.is_terminal:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        if pending:
            write_all(self.output, b"".join(pending))

    def error(self, text: str) -> None:
        """One line, or more, to standard error; what can't be written there is lost."""
        try:
            write_all(self.errors, self.encoded(text + "\n"))
        except (OSError, MachineError):
            pass

    def columns(self) -> int:
        """The width of the terminal, 80 when it is none."""
        return self.size()[0]

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal; (80, 24) when it is none or does not say."""
        try:
            columns, lines = os.get_terminal_size(self.output)
        except OSError:
            return 80, 24
        return columns or 80, lines or 24


def encoding(environment: dict[str, str]) -> str:
    """What a terminal can show: `ascii` when the locale names another encoding than UTF-8, or is `C`.

    No locale at all means UTF-8: so it is in containers, and their terminals are the usual ones.
    """
    language = environment.get("LANG") or ""
    # Python itself sets LC_CTYPE where the locale is `C` (PEP 538).
    own = language in ("C", "POSIX") and environment.get("LC_CTYPE") == "C.UTF-8"
    kind = "" if own else environment.get("LC_CTYPE")
    name = environment.get("LC_ALL") or kind or language or "utf-8"
    return "utf-8" if "utf-8" in name.lower() or "utf8" in name.lower() else "ascii"


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; BrokenPipeError when the reader has gone, MachineError when it can't be written."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            raise
        except BlockingIOError:
            _wait_until_writable(descriptor)
        except OSError as error:
            hint = "free some space" if error.errno == errno.ENOSPC else None
            raise MachineError(f"can't write the output: {(error.strerror or '').lower()}", hint) from error


def _wait_until_writable(descriptor: int) -> None:
    import select  # only for a descriptor that someone else made non-blocking

    select.select([], [descriptor], [])


def ensure_standard_streams() -> None:
    """Occupy closed descriptors 0–2, so that no file of ours is ever taken for one of them.

    A closed standard output becomes one that can't be written, so that writing is an error.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            mode = os.O_RDWR if descriptor == 2 else os.O_RDONLY
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
