"""A look at those names of a tree that may have changed; all else is as the index knows it.

The result is that of `scan` as long as nothing else has changed. What time stamps prove nothing of is
looked at too: files that changed close to the last look, and those with several names, for they can be
written to by a name elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection

import msgspec

from engine.snapshot.ignore_rules import GIT_IGNORE
from engine.snapshot.scan import NamedEntry, Scan, Scanner, ScanOptions, unreadable
from engine.snapshot.stat_index import NESTED_REPOSITORY, RACY, SPECIAL_FILE, Row, StatIndex, Table

_TYPE = 0o170000
_DIRECTORY = 0o040000
_ATTEMPTS = 4
_MOST_NAMES = 3000  # asked for one by one; listing directories is faster for more


def scan_again(
    root: str, index: StatIndex, options: ScanOptions, changed: Collection[str], doubted: Collection[str]
) -> Scan | None:
    """Look at what is at `changed` and below, and at the names `doubted`; paths relative to the root.

    None when all has to be looked at.
    """
    signature = "" if options.rules is None else options.rules.signature()
    is_known = bool(index.directories) and index.rules == signature and not options.is_root_filesystem
    if not is_known or "" in changed or len(changed) + len(doubted) > _MOST_NAMES:
        return None
    if index.ignore_files and options.rules is not None:
        doubted_rules = [path for path, row in index.ignore_files.items() if row.changed == RACY]
        if "" in doubted_rules:
            return None
        changed = [*changed, *(f"{path}/{GIT_IGNORE}" for path in doubted_rules)]
    for _ in range(_ATTEMPTS):
        scanner = _PartialScanner(root, index, options)
        if not scanner.look(changed, doubted):
            return None
        if not scanner.vanished:
            break
    return scanner.result


class Noted(msgspec.Struct, frozen=True):
    """Of one directory, as paths: what has to be looked at every time, and what is left out and told of."""

    doubted: tuple[str, ...]
    special: tuple[str, ...]
    repositories: tuple[str, ...]


def noted(directory: str, table: Table) -> Noted | None:
    """What there is to note; None for nothing."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name, row in table.items():
        if type(row) is Row:
            kind = row.mode & _TYPE
            if (row.changed == RACY and kind != _DIRECTORY) or (row.links > 1 and kind == stat.S_IFREG):
                found[0].append(name)
        elif row == SPECIAL_FILE:
            found[1].append(name)
        elif row == NESTED_REPOSITORY:
            found[2].append(name)
    if not any(found):
        return None
    prefix = directory + "/" if directory else ""
    return Noted(*(tuple(prefix + name for name in names) for names in found))


class _Named:
    """What is at a path, as `os.DirEntry` tells it."""

    def __init__(self, name: str, path: str, status: os.stat_result) -> None:
        self.name = name
        self.path = path
        self._status = status

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR(self._status.st_mode)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._status


class _PartialScanner(Scanner):
    def __init__(self, root: str, index: StatIndex, options: ScanOptions) -> None:
        super().__init__(root, index, options)
        self.result.directories = dict(index.directories)
        self.result.ignore_files = dict(index.ignore_files)
        self._looked: set[str] = set()
        self._entered: set[str] = set()
        self._has_new_links = False  # a file has got names, perhaps one of a file that is not looked at

    def look(self, changed: Collection[str], doubted: Collection[str]) -> bool:
        """False when all has to be looked at."""
        deciding = {path for path in changed if path.rpartition("/")[2] in (GIT_IGNORE, ".git")}
        if self._options.rules is not None and GIT_IGNORE in deciding:
            return False
        for path in sorted(deciding):
            self._look(path, is_deciding=self._options.rules is not None)
        for path in sorted({*changed} - deciding):
            self._look(path)
        for path in sorted({*doubted} - {*changed}):
            self._look(path)
        if self._has_new_links:
            return False
        result, index = self.result, self._index
        if index.directories.keys() != result.directories.keys():
            result.is_changed = True
        result.is_touched |= result.is_changed or index.ignore_files != result.ignore_files
        return True

    def _look(self, path: str, is_deciding: bool = False) -> None:
        """Look at each name on the way to a path; where a directory is new, or the last, at all below it."""
        directory = ""
        names = path.split("/")
        for number, name in enumerate(names):
            is_last = number == len(names) - 1
            if is_last and is_deciding:
                if directory:
                    self._look_below(directory)
                else:
                    self._look_at(directory, name)
                return
            child = f"{directory}/{name}" if directory else name
            if child in self._entered:
                return
            is_known = child in self.result.directories
            if not self._look_at(directory, name):
                return
            if is_last or not is_known:
                self._look_below(child)
                return
            directory = child

    def _look_at(self, directory: str, name: str) -> bool:
        """Look at one name; whether it is a directory of the tree."""
        child = f"{directory}/{name}" if directory else name
        table = self.result.directories[directory]
        old = table.get(name)
        if child not in self._looked:
            self._looked.add(child)
            new = self._seen(directory, name, old)
            if new is not old:
                self._enter_row(directory, name, old, new)
            old = new
        return type(old) is Row and old.mode & _TYPE == _DIRECTORY

    def _seen(self, directory: str, name: str, old: Row | int | None) -> Row | int | None:
        path = os.path.join(self._root, directory, name)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable("directory", os.path.dirname(path), error) from None
        entry = _Named(name, path, status)
        if old is not None and self._is_same(old, entry):
            return old
        return self._examine(directory, entry, old, True)

    def _enter_row(self, directory: str, name: str, old: Row | int | None, new: Row | int | None) -> None:
        table = dict(self.result.directories[directory])
        if new is None:
            table.pop(name, None)
        else:
            table[name] = new
        self.result.directories[directory] = table
        self.result.is_touched |= new != old
        self.result.is_changed |= self._differs(old, new)
        was_directory = type(old) is Row and old.mode & _TYPE == _DIRECTORY
        if was_directory and not (type(new) is Row and new.mode & _TYPE == _DIRECTORY):
            self._forget(f"{directory}/{name}" if directory else name)

    def _examine(
        self, directory: str, entry: NamedEntry, old: Row | int | None, is_decided: bool
    ) -> Row | int | None:
        new = super()._examine(directory, entry, old, is_decided)
        if type(new) is Row and new.links > 1 and new.mode & _TYPE == stat.S_IFREG:
            was = (old.inode, old.links) if type(old) is Row else None
            self._has_new_links |= was != (new.inode, new.links)
        return new

    def _look_below(self, directory: str) -> None:
        """Look at a directory and all below it."""
        above = directory
        while above:
            if above in self._entered:
                return
            above = above.rpartition("/")[0]
        self._forget(directory)
        self._entered.add(directory)
        pending = [(directory, True)]
        while pending:
            place, is_decided = pending.pop()
            pending += self._enter(place, is_decided)
        self._entered.update(self._below(directory))

    def _forget(self, directory: str) -> None:
        for path in self._below(directory):
            del self.result.directories[path]
            self.result.ignore_files.pop(path, None)

    def _below(self, directory: str) -> list[str]:
        """The known directories at and below one."""
        directories = self.result.directories
        found = [directory] if directory in directories else []
        for path in found:
            for name, row in directories[path].items():
                child = f"{path}/{name}" if path else name
                if type(row) is Row and row.mode & _TYPE == _DIRECTORY and child in directories:
                    found.append(child)
        return found
