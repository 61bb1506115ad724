"""Writing and removing files such that a crash, a full disk or a hostile tree does no harm."""

from __future__ import annotations

import errno
import os
import stat
from types import TracebackType

from engine.model.errors import MachineError

_DEEP = 100  # directories within each other that are kept open while a tree is removed
ASIDE = ".new"  # how names end of what is written aside
_SMALL = 32 << 10
_READ = 1 << 20
_FULL = {errno.ENOSPC: "no space left on the disk", errno.EDQUOT: "the disk quota is used up"}


class DiskErrors:
    """Turns what the disk refuses into MachineError; a full one with what to do."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):  # a reader went away
            raise machine_error(error, self._root) from error


def machine_error(error: OSError, root: str) -> MachineError:
    """What the user is told when the disk of a directory is full, cannot be written or fails otherwise."""
    if error.errno in _FULL:
        return MachineError(
            f"{_FULL[error.errno]} of `{root}`",
            hint="free some space, or run `outcrop gc --max-size SIZE`",
        )
    why = (error.strerror or str(error)).lower()
    where = f" at `{os.fsdecode(error.filename)}`" if isinstance(error.filename, (str, bytes)) else ""
    return MachineError(f"cannot work in `{root}`: {why}{where}", hint="check its owner, mode and mount")


def write_atomically(path: str, content: bytes, is_durable: bool = False) -> None:
    """Write aside, then rename. `is_durable`: the bytes are on the disk before the name is."""
    aside = f"{path}.{os.getpid()}-{os.urandom(4).hex()}{ASIDE}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        try:
            write_all(descriptor, content)
            if is_durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def remove_written_aside(folder: str, process: int) -> None:
    """Remove what a process that is dead was just writing in this folder."""
    for name in names_in(folder):
        if name.endswith(ASIDE) and f".{process}-" in name:
            try:
                os.unlink(os.path.join(folder, name))
            except OSError:
                continue


def write_new(path: str, content: bytes) -> None:
    """Write a file that is not there yet, in a directory that nobody else knows."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        write_all(descriptor, content)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def make_directory(path: str) -> None:
    """Make a directory unless it is there."""
    try:
        os.mkdir(path)
    except FileExistsError:
        pass


def names_in(folder: str) -> list[str]:
    """The names in a directory; none when it is not there."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def read_file(path: str) -> bytes | None:
    """The whole content, or None when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        content = os.read(descriptor, _SMALL)
        if len(content) < _SMALL:  # short only at the end of a regular file
            return content
        parts = [content]
        while part := os.read(descriptor, _READ):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def remove_tree(path: str) -> None:
    """Remove whatever is at `path`, if anything: links are not followed, depth and modes don't matter.

    Raises OSError when something stays, such as what belongs to ids of a user namespace that the
    caller is not in.
    """
    parent, name = os.path.split(path)
    try:
        descriptor = os.open(parent or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        try:
            is_directory = stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return
        if is_directory:
            _remove_directory(descriptor, name)
        else:
            os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _remove_directory(parent: int, name: str, depth: int = 0) -> None:
    """Empty and remove a directory. What lies too deep is moved up beside it first: descriptors are few."""
    descriptor = _open_directory(parent, name)
    try:
        children = _unlink_files(descriptor)
        while children:
            for child in children:
                if _remove_empty(descriptor, child):
                    continue
                if depth < _DEEP:
                    _remove_directory(descriptor, child, depth + 1)
                else:
                    _make_movable(descriptor, child)
                    moved = f".{os.getpid()}-{os.urandom(8).hex()}"
                    os.rename(child, moved, src_dir_fd=descriptor, dst_dir_fd=parent)
            children = _unlink_files(descriptor) if depth == _DEEP - 1 else []  # what was moved up here
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=parent)


def _remove_empty(parent: int, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _open_directory(parent: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, flags, dir_fd=parent)
    return descriptor


def _make_movable(parent: int, name: str) -> None:
    """Renaming a directory rewrites its `..`, which wants write permission on the directory itself."""
    try:
        os.chmod(name, 0o700, dir_fd=parent)
    except PermissionError:
        return


def _unlink_files(descriptor: int) -> list[str]:
    """Remove all but directories; the names of these."""
    directories = []
    with os.scandir(descriptor) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in listed:
        if is_directory:
            directories.append(name)
            continue
        try:
            os.unlink(name, dir_fd=descriptor)
        except PermissionError:
            os.fchmod(descriptor, 0o700)
            os.unlink(name, dir_fd=descriptor)
    return directories


def copy_file(source: str, target: str) -> None:
    """Copy the content of a regular file into a new one; holes stay holes."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(reading).st_size
            os.ftruncate(writing, size)
            start = 0
            while start < size:
                try:
                    start = os.lseek(reading, start, os.SEEK_DATA)
                except OSError as error:
                    if error.errno == errno.ENXIO:  # only a hole is left
                        break
                    raise
                end = os.lseek(reading, start, os.SEEK_HOLE)
                while start < end:
                    start += os.copy_file_range(reading, writing, end - start, start, start)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def copy_rest(source: str, begin: int, target: str) -> None:
    """A new file with what `source` holds from the offset `begin` on."""
    with open(source, "rb") as file, open(target, "xb") as copy:
        file.seek(begin)
        while chunk := file.read(1 << 20):
            copy.write(chunk)
