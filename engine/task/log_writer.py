"""Moves the output of a task from its pipes into its log file, every byte, without reading it.

`splice` moves pages within the kernel, so a million lines cost a few hundred calls. The two
pipes share one file; bytes are kept in the order of arrival. Beside the log, `times` gets a
record (u64 offset, f64 seconds since the epoch, little-endian) for each batch that arrived.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import time
from collections.abc import Callable

_RECORD = struct.Struct("<Qd")
_BATCH = 1 << 20
_PIPE_BYTES = 1 << 20
_TIME_RESOLUTION = 0.001

Notice = Callable[[str, int, bytes], None]


class LogWriter:
    """One log: open it, hand `writer(stream)` to the process, `await finished()` once it has ended.

    `is_continued`: what is in the log already stays (an earlier attempt), its last line ended.
    `notice(stream, offset, content)` hears each batch. OSError (a full disk) is kept in `error`; pipes are
    drained all the same, so that the task does not hang.
    """

    def __init__(
        self, path: str, times_path: str, *, is_continued: bool = False, notice: Notice | None = None
    ) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if is_continued else os.O_TRUNC)
        self._file = os.open(path, flags, 0o600)
        self._times = os.open(times_path, flags, 0o600)
        self._notice = notice
        self._last_time = 0.0
        self._open: dict[int, str] = {}
        self._writers: list[int] = []
        self._done = asyncio.Event()
        self.size = os.lseek(self._file, 0, os.SEEK_END)
        os.lseek(self._times, 0, os.SEEK_END)
        self.error: OSError | None = None
        self._end_line()

    def writer(self, stream: str) -> int:
        """A new pipe's writing end, to be given to a process; closed here by `started`."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            pass  # the user's pipe quota is used up: the default size is merely slower
        os.set_blocking(reader, False)
        self._open[reader] = stream
        self._writers.append(writer)
        asyncio.get_running_loop().add_reader(reader, self._move, reader)
        return writer

    def started(self) -> None:
        """The process holds its ends now; ours are closed, so that its end is seen."""
        for writer in self._writers:
            os.close(writer)
        self._writers.clear()

    def mark(self, text: str) -> None:
        """A line of ours between what was there and what comes; nobody is given notice of it."""
        content = text.encode() + b"\n"
        self._stamp()
        try:
            written = os.pwrite(self._file, content, self.size)
        except OSError as error:
            self.error = error
            return
        self.size += written

    async def finished(self) -> None:
        """Wait until every writer has closed its end and everything is in the file."""
        self.started()
        if self._open:
            await self._done.wait()

    def close(self) -> None:
        """Give back all descriptors; idempotent."""
        self.started()
        for reader in tuple(self._open):
            self._drop(reader)
        for descriptor in (self._file, self._times):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._times = -1

    def _move(self, reader: int) -> None:
        try:
            if self.error is not None:
                count = len(os.read(reader, _BATCH))
            else:
                count = os.splice(reader, self._file, _BATCH, offset_dst=self.size)
        except BlockingIOError:
            return
        except OSError as error:
            self.error = error
            return
        if count == 0:
            self._drop(reader)
        elif self.error is None:
            self._stamp()
            offset, self.size = self.size, self.size + count
            if self._notice is not None:
                self._notice(self._open[reader], offset, os.pread(self._file, count, offset))

    def _end_line(self) -> None:
        """Let what comes now begin on a line of its own."""
        if self.size and os.pread(self._file, 1, self.size - 1) != b"\n":
            try:
                self.size += os.pwrite(self._file, b"\n", self.size)
            except OSError as error:
                self.error = error

    def _stamp(self) -> None:
        now = time.time()
        if now - self._last_time >= _TIME_RESOLUTION:
            self._last_time = now
            try:
                os.write(self._times, _RECORD.pack(self.size, now))
            except OSError as error:
                self.error = self.error or error

    def _drop(self, reader: int) -> None:
        asyncio.get_running_loop().remove_reader(reader)
        os.close(reader)
        del self._open[reader]
        if not self._open:
            self._done.set()
