"""Searches through the contents of files; a process of its own, so that it delays nobody and can be killed.

It reads a `Search` and then the files; it says `Line` and now and then `Searched`, the last one `done`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from engine.inspection.beneath import NotRegular, open_below
from engine.inspection.layer_trees import LayerTrees, trees_of
from engine.inspection.line_search import LineSearch, is_binary
from engine.inspection.search_messages import Line, Said, Search, Searched, SearchedFile
from engine.layer_files.names import from_wire
from engine.model.errors import MachineError
from engine.sandbox import namespace

_MOST_FOUND = 5_000
_MOST_IN_A_FILE = 500
_LARGEST = 256 << 20
_CHUNK = 1 << 20
_SAYS_EVERY = 0.2  # seconds


class Searching:
    """One search; `run` is all of it. UsageError when the pattern can't be searched for."""

    def __init__(self, order: Search, say: Callable[[Said], None]) -> None:
        self._order = order
        self._search = LineSearch(order.pattern, is_regex=order.is_regex, ignore_case=order.ignore_case)
        self._say = say
        self._trees: dict[str, LayerTrees] = {}
        self._roots: dict[str, int] = {}
        self._images: dict[str, int] = {}
        self._files = self._bytes = self._found = self._skipped = 0
        self._is_cut = False
        self._said_at = time.monotonic()

    def run(self, files: Iterator[SearchedFile]) -> None:
        """Say what is found in these files, and that it is done."""
        for file in files:
            if self._found >= _MOST_FOUND:
                self._is_cut = True
                break
            self._in_file(file)
            self._files += 1
            self._report()
        self._say(self._searched(done=True))

    def _in_file(self, file: SearchedFile) -> None:
        if not file.size:
            return
        if file.size > _LARGEST:
            self._skipped += 1
            return
        try:
            descriptor, offset = self._open(file)
        except (OSError, NotRegular):  # collected meanwhile, or out of reach
            self._skipped += 1
            return
        try:
            self._in_bytes(file, descriptor, offset)
        except OSError:
            self._skipped += 1
        finally:
            if file.layer:
                os.close(descriptor)

    def _in_bytes(self, file: SearchedFile, descriptor: int, offset: int) -> None:
        beginning = os.pread(descriptor, min(_CHUNK, file.size), offset)
        if is_binary(beginning):
            self._skipped += 1
            return
        lines = self._search.lines(self._chunks(file, descriptor, offset, beginning))
        for found, (number, text) in enumerate(lines):
            if found >= _MOST_IN_A_FILE or self._found >= _MOST_FOUND:
                self._is_cut = True
                return
            self._found += 1
            self._say(Line(path=file.path, number=number, text=text))

    def _chunks(self, file: SearchedFile, descriptor: int, offset: int, beginning: bytes) -> Iterator[bytes]:
        read, chunk = 0, beginning
        while chunk:
            read += len(chunk)
            self._bytes += len(chunk)
            yield chunk
            self._report()
            if read >= file.size:
                return
            chunk = os.pread(descriptor, min(_CHUNK, file.size - read), offset + read)

    def _open(self, file: SearchedFile) -> tuple[int, int]:
        """(descriptor, where the file begins in it); that of a layer's file is for the caller to close."""
        if not file.layer:
            if file.file not in self._images:
                self._images[file.file] = os.open(file.file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            return self._images[file.file], file.offset
        if file.layer not in self._trees:
            self._trees[file.layer] = trees_of(self._order.root, file.layer)
        path = from_wire(file.path)
        tree = self._trees[file.layer].with_file(path)
        if tree not in self._roots:
            self._roots[tree] = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return open_below(self._roots[tree], path), 0

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAYS_EVERY:
            self._said_at = now
            self._say(self._searched())

    def _searched(self, *, done: bool = False) -> Searched:
        return Searched(
            files=self._files,
            files_in_all=self._files if done else max(self._files, self._order.files_in_all),
            bytes=self._bytes,
            found=self._found,
            skipped=self._skipped,
            is_cut=self._is_cut,
            done=done,
        )


def _files(commands: BinaryIO) -> Iterator[SearchedFile]:
    decode = msgspec.json.Decoder(SearchedFile).decode
    for line in commands:
        yield decode(line)


def main() -> int:
    """The whole life of the process."""
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Search)
    if os.geteuid() != 0:
        try:
            namespace.enter_user_namespace()
        except MachineError:
            pass  # then some files are out of reach, and counted as skipped
    encode = msgspec.json.Encoder().encode

    def say(what: Said) -> None:
        sys.stdout.buffer.write(encode(what) + b"\n")
        if isinstance(what, Searched):
            sys.stdout.buffer.flush()

    Searching(order, say).run(_files(sys.stdin.buffer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
