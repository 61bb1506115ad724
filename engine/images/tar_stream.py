"""Opening a tar file for reading, whatever it is compressed with."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol, cast

from engine.model.errors import MachineError, UserError

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
}
_BUFFER = 1 << 20
_WORTH_A_THREAD = 256 << 10  # bytes: hashing them takes ten times as long as starting it
_PACKED = 128 << 10  # compressed bytes at a time
_GZIP = 31  # what zlib calls a gzip file with the largest window


@contextmanager
def open_tar(path: str, what: str) -> Iterator[IO[bytes]]:
    """The uncompressed bytes of a tar file; the format is known by its first bytes.

    zstd needs the program of that name (MachineError). UserError for a file that cannot be read or,
    once that shows, is damaged.
    """
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed below, after what reads from it
    except OSError as error:
        raise UserError(f"cannot read `{what}`: {(error.strerror or '').lower()}") from None
    with file:
        kind = compression_of(file.read(6))
        file.seek(0)
        with damage_told(what):
            if kind == "zstd":
                with zstd_stream(file, what) as stream:
                    yield stream
            else:
                yield decompressed(file, kind)


def compression_of(start: bytes) -> str:
    """`gzip`, `xz`, `zstd` or `bzip2` by the first six bytes; "" for none of them."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """Errors of decompression become a UserError; what the disk says stays as it is."""
    try:
        yield
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"`{what}` is damaged: {str(error).lower()}") from None


def decompressed(file: IO[bytes], kind: str) -> IO[bytes]:
    """The plain bytes of a file, but of zstd, which needs `zstd_stream`."""
    if kind == "gzip":
        return cast("IO[bytes]", GzipReader(file))
    if kind == "xz":
        return lzma.LZMAFile(file)
    if kind == "bzip2":
        return bz2.BZ2File(file)
    return file


@contextmanager
def zstd_stream(file: IO[bytes], what: str, window: int = 31) -> Iterator[IO[bytes]]:
    """Through the zstd program: the standard library of Python 3.11 has none.

    `window`: how much memory the file may ask for, as a power of two.
    """
    with tempfile.TemporaryFile() as messages:
        try:
            process = subprocess.Popen(
                ["zstd", "-d", "-q", "-c", f"--long={window}"],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=messages,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
            )
        except FileNotFoundError:
            raise MachineError(
                f"`{what}` is compressed with zstd, and the program `zstd` is missing",
                hint="install the package `zstd`",
            ) from None
        assert process.stdout is not None
        try:
            with process.stdout as stream:
                yield stream
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() not in (0, -13):
            messages.seek(0)
            reason = messages.read(1000).decode("utf-8", "replace").strip()
            raise UserError(f"`{what}` is damaged: {reason}")


class GzipReader:
    """The plain bytes of a gzip file, of all its members; twice as fast as the standard library's.

    EOFError for one that was cut, zlib.error for any other damage.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._packed = b""
        self._member = zlib.decompressobj(wbits=_GZIP)
        self._is_inside = True  # a member, which must have an end

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        while True:
            if not self._packed:
                self._packed = self._source.read(_PACKED)
            if not self._packed:
                if self._is_inside:
                    raise EOFError("it ends too early")
                return b""
            if not self._is_inside:
                self._packed = self._packed.lstrip(b"\0")  # padding, as of tapes
                if not self._packed:
                    continue
                self._member = zlib.decompressobj(wbits=_GZIP)
                self._is_inside = True
            data = self._member.decompress(self._packed, size)
            self._packed = self._member.unused_data or self._member.unconsumed_tail
            self._is_inside = not self._member.eof
            if data:
                return data


class ByteSource(Protocol):
    """What a tar file can be read from, front to back."""

    def read(self, size: int, /) -> bytes: ...


class HashingReader:
    """Passes bytes on and takes their sha256, of many at once while whoever reads is busy with them."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._thread: threading.Thread | None = None

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        data = self._source.read(size)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if len(data) >= _WORTH_A_THREAD:
            self._thread = threading.Thread(target=self._digest.update, args=(data,), daemon=True)
            self._thread.start()
        else:
            self._digest.update(data)
        return data

    def drain(self) -> str:
        """Read what is left; the digest of everything, 64 hex digits."""
        while self.read(_BUFFER):
            pass
        return self._digest.hexdigest()
