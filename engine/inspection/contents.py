"""The bytes of one file, wherever they lie: a descriptor, and which part of it they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType

from engine.explain import printable
from engine.inspection.beneath import NotRegular, open_regular
from engine.inspection.reader import Reader
from engine.inspection.reader_process import tree_of
from engine.model.errors import StoreError


class Opened:
    """`size` bytes from `offset` of an open file; `close` it."""

    def __init__(self, descriptor: int, size: int, offset: int = 0) -> None:
        self.size = size
        self._descriptor = descriptor
        self._offset = offset

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` of the file's own; fewer at the end. OSError."""
        length = min(length, self.size - offset)
        return os.pread(self._descriptor, length, self._offset + offset) if length > 0 else b""

    def chunks(self, length: int) -> Iterator[bytes]:
        """All of it, in pieces. OSError when it has become shorter."""
        offset = 0
        while offset < self.size:
            data = self.read(offset, length)
            if not data:
                raise OSError("a file of the store is shorter than it was")
            yield data
            offset += len(data)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Opened:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LayerContents:
    """Opens files of layers of the store at `root`, and nothing else; any thread may ask."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._reader = Reader(root)

    def open(self, digest: str, path: str) -> Opened:
        """The content of a layer's regular file; StoreError when it is not there (any more)."""
        try:
            descriptor = self._opened(digest, path)
        except NotRegular:
            raise StoreError(f"`{printable(path)}` is no file in the store, though it should be") from None
        except FileNotFoundError:
            raise StoreError(
                f"the store does not hold `{printable(path)}` any more",
                "its layer has been collected, or is damaged: another run makes it again",
            ) from None
        except OSError as error:
            raise StoreError(f"`{printable(path)}` can't be read in the store: {error.strerror}") from error
        return Opened(descriptor, os.fstat(descriptor).st_size)

    def close(self) -> None:
        """End the process that was started for it, if one was."""
        self._reader.close()

    def _opened(self, digest: str, path: str) -> int:
        try:
            return open_regular(tree_of(self._root, digest), path)
        except PermissionError:
            if os.geteuid() == 0:
                raise
        return self._reader.open(digest, path)
