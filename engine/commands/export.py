"""`outcrop files export`: the files of a task into a directory, or as a tar."""

from __future__ import annotations

import os
import tarfile
from typing import IO, cast

from engine.commands.kept_files import KeptFiles, make_readable
from engine.explain import printable
from engine.file_tree import DIRECTORY, Entry, FileTree
from engine.inspection.tar_header import tar_info
from engine.model.errors import MachineError, UsageError
from engine.past.file_changes import below, change_of
from engine.store import attributes, disk
from engine.terminal.console import Console


def export(
    files: KeptFiles, path: str, destination: str | None, console: Console, *, only_layer: bool
) -> None:
    """Write what is at `path` (of the tree) to a directory, a file, a `.tar` file, or `-` (a tar).

    `only_layer`: only what the task added or changed, and the directories that lead there.
    """
    if destination is None and console.is_terminal:
        raise UsageError("a tar is not for a terminal", "name a directory or a `.tar` file: `--output DEST`")
    wanted = _wanted(files, path, only_layer=only_layer)
    target = destination or "-"
    is_root = os.geteuid() == 0
    is_tar = target == "-" or target.endswith(".tar")
    if not is_tar:
        target = _prepared(target, path, is_directory="" in wanted)
    sources = files.sources({_joined(path, name): entry for name, entry in wanted.items()})
    make_readable(list(sources.values()), files)
    places = {name: sources.get(_joined(path, name), "") for name in wanted}
    with disk.DiskErrors(os.path.dirname(os.path.abspath(target))):
        if not is_tar:
            _write_directory(target, wanted, places, console, keeps_owners=is_root)
        elif target == "-":
            _write_tar(cast(IO[bytes], _ConsoleFile(console)), wanted, places)
        else:
            with open(target, "wb") as output:
                _write_tar(output, wanted, places)


def _wanted(files: KeptFiles, path: str, *, only_layer: bool) -> FileTree:
    """Names relative to `path`; "" is a directory that was asked for, a file has its own name."""
    entry = files.after[path]
    if entry.kind != DIRECTORY:
        return {path.rpartition("/")[2]: entry}
    wanted = {"": entry, **dict(below(files.after, path, recursive=True))}
    if not only_layer:
        return wanted
    changed = {
        name
        for name, entry in wanted.items()
        if change_of(files.before.get(_joined(path, name)), entry) is not None
    }
    parents = {name[:end] for name in changed for end, letter in enumerate(name) if letter == "/"}
    return {name: entry for name, entry in wanted.items() if name in changed or name in parents or not name}


def _joined(path: str, name: str) -> str:
    if not name or path.rpartition("/")[2] == name:
        return path
    return f"{path}/{name}" if path else name


def _prepared(target: str, path: str, *, is_directory: bool) -> str:
    """Where to write; a directory must be new or empty, so that nothing of it is followed or replaced."""
    if not is_directory:
        return os.path.join(target, path.rpartition("/")[2]) if os.path.isdir(target) else target
    if os.path.lexists(target) and (not os.path.isdir(target) or os.listdir(target)):
        raise UsageError(f"`{target}` is not an empty directory", "name one that does not exist yet")
    return target


def _write_directory(
    target: str, wanted: FileTree, places: dict[str, str], console: Console, *, keeps_owners: bool
) -> None:
    """Make everything new; directories get their modes last, so that they can be filled."""
    directories: list[tuple[str, Entry]] = []
    for name in sorted(wanted):
        entry = wanted[name]
        place = os.path.join(target, name) if "" in wanted else target
        place = place.rstrip("/") if not name else place
        if entry.kind == DIRECTORY:
            os.makedirs(place, exist_ok=not name)
            directories.append((place, entry))
            continue
        if entry.kind in ("character", "block") and not keeps_owners:
            console.error(f"warning: left out the device `{printable(name)}`: only root can make it")
            continue
        if os.path.lexists(place):
            raise UsageError(f"`{place}` exists already")
        if entry.kind == "file":
            disk.copy_file(places[name], place)
        else:
            attributes.make(place, entry)
        _apply(place, entry, keeps_owners=keeps_owners)
    for place, entry in reversed(directories):
        _apply(place, entry, keeps_owners=keeps_owners)


def _apply(place: str, entry: Entry, *, keeps_owners: bool) -> None:
    if keeps_owners:
        attributes.apply(place, entry)
        return
    if entry.kind != "symlink":
        os.chmod(place, entry.mode & 0o777)  # set-id bits are for the owner that it had
    os.utime(place, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def _write_tar(file: IO[bytes], wanted: FileTree, places: dict[str, str]) -> None:
    """As root would unpack it: owners by number, attributes as `SCHILY.xattr.…` headers."""
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(wanted):
            if not name:
                continue
            entry = wanted[name]
            info = tar_info(name, entry)
            if entry.kind != "file":
                tar.addfile(info)
                continue
            with open(places[name], "rb") as content:
                if os.fstat(content.fileno()).st_size != entry.size:
                    raise MachineError(f"`{printable(name)}` is damaged in the store")
                tar.addfile(info, content)


class _ConsoleFile:
    """Standard output as what `tarfile` writes to."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, data: bytes) -> int:
        self._console.write(bytes(data))
        return len(data)
