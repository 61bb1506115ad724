"""Unpacks a tar that an engine sends to a place of the user's; nothing is written elsewhere."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping

from engine.explain import printable
from engine.model.errors import MachineError

REFUSED = "OUTCROP.refused"  # as `engine.inspection.tar_stream`
_CHUNK = 1 << 18


def unpack(
    chunks: Iterator[bytes], destination: str, progress: Callable[[int, int], None]
) -> tuple[str, ...]:
    """Write what comes to `destination`, which must not exist; names that could not be made, with the reason.

    A tar whose first member is `.` makes a directory, of any other only that member is written. Owners
    are kept as root only. MachineError when it exists or can't be written.
    """
    if os.path.lexists(destination):
        raise MachineError(f"`{printable(destination)}` exists already", "choose another name")
    unpacking = _Unpacking(destination, progress)
    try:
        with tarfile.open(fileobj=_Stream(chunks), mode="r|", errorlevel=1) as tar:
            for member in tar:
                if REFUSED in tar.pax_headers:
                    break
                unpacking.write(tar, member)
            why = tar.pax_headers.get(REFUSED)
        unpacking.finish()
    except tarfile.TarError as error:
        raise MachineError(f"what the engine sends is cut short: {error}") from error
    except OSError as error:
        name = printable(str(error.filename or destination))
        raise MachineError(f"`{name}` can't be written: {error.strerror}") from error
    if why is not None:
        raise MachineError(f"the export is not whole: {why}", f"`{printable(destination)}` has part of it")
    return tuple(unpacking.left_out)


class _Unpacking:
    """Makes everything new, and only in directories that it has made itself."""

    def __init__(self, destination: str, progress: Callable[[int, int], None]) -> None:
        self.left_out: list[str] = []
        self._destination = destination
        self._progress = progress
        self._is_root = os.geteuid() == 0
        self._directories: dict[str, tarfile.TarInfo] = {}
        self._files = self._bytes = 0

    def write(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = member.name.rstrip("/")
        if name == "." and member.isdir() and not self._directories:
            os.mkdir(self._destination, 0o700)
            self._directories[""] = member
            return
        place = self._place(name)
        if member.isdir():
            os.mkdir(place, 0o700)
            self._directories[name] = member
            return
        if member.isreg():
            self._write_file(tar, member, place)
        elif member.issym():
            os.symlink(member.linkname, place)
        elif member.isfifo():
            os.mkfifo(place, 0o600)
        elif member.isdev() and self._is_root:
            kind = 0o020000 if member.ischr() else 0o060000
            os.mknod(place, 0o600 | kind, os.makedev(member.devmajor, member.devminor))
        else:
            self.left_out.append(f"{printable(name)}: only root can make a device")
            return
        self._apply(place, member)
        self._files += 1
        self._progress(self._files, self._bytes)

    def finish(self) -> None:
        """Directories get their attributes last, so that they can be filled."""
        for name, member in reversed(self._directories.items()):
            self._apply(os.path.join(self._destination, name) if name else self._destination, member)

    def _place(self, name: str) -> str:
        """Where a member goes: in a directory made here, so that no link is followed."""
        parts = name.split("/")
        parent = "/".join(parts[:-1])
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise MachineError(
                f"the engine sends a file with the name `{printable(name)}`, which is not safe"
            )
        if not self._directories and not self._files and not parent:
            return self._destination  # a single file
        if parent not in self._directories:
            raise MachineError(f"the engine sends `{printable(name)}` without its directory")
        return os.path.join(self._destination, name)

    def _write_file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        content = tar.extractfile(member)
        assert content is not None
        with open(os.open(place, flags, 0o600), "wb") as file:
            while data := content.read(_CHUNK):
                file.write(data)
                self._bytes += len(data)
                self._progress(self._files, self._bytes)

    def _apply(self, place: str, member: tarfile.TarInfo) -> None:
        if self._is_root:
            os.chown(place, member.uid, member.gid, follow_symlinks=False)
            self._set_attributes(place, member.pax_headers)
        if not member.issym():
            # Set-id bits are for the owner that it had.
            os.chmod(place, member.mode & (0o7777 if self._is_root else 0o777))
        os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)

    def _set_attributes(self, place: str, headers: Mapping[str, str]) -> None:
        for header, value in headers.items():
            key = header.removeprefix("SCHILY.xattr.")
            if key != header:
                try:
                    os.setxattr(place, key, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
                except OSError as error:
                    self.left_out.append(f"{printable(place)}: attribute {printable(key)}: {error.strerror}")


class _Stream(io.RawIOBase):
    """Chunks as what `tarfile` reads from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._waiting = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not self._waiting:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._waiting = memoryview(chunk)
            parts.append(bytes(self._waiting[:size]))
            self._waiting = self._waiting[len(parts[-1]) :]
            size -= len(parts[-1])
        return b"".join(parts)
