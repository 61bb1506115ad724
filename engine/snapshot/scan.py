"""A look at a directory tree that repeats the last one as cheaply as it can.

Every name is listed and asked for its status; what the index knows with the same status is taken
from there: whether it is ignored, its content digest, its link target. Ignore rules are not even
read while no `.gitignore` changed. Times that lie too close to the look itself prove nothing, for a
second change may carry the same time stamp; such files are read again the next time.
"""

from __future__ import annotations

import os
import stat
import time
from typing import Protocol

import msgspec

from engine.model.errors import UserError
from engine.snapshot.ignore_rules import GIT_IGNORE, DirectoryRules, IgnoreRules
from engine.snapshot.stat_index import (
    IGNORED_DIRECTORY,
    IGNORED_FILE,
    NESTED_REPOSITORY,
    RACY,
    SPECIAL_FILE,
    Row,
    StatIndex,
    Table,
)
from engine.store.attributes import list_xattrs, read_xattrs

# Two changes this close may carry equal time stamps: a few ticks of the kernel's clock, or, where
# a file system keeps whole seconds only, two of those (FAT).
_MARGIN_NS = 50_000_000
_MARGIN_WHOLE_SECONDS_NS = 2_100_000_000

_TYPE = 0o170000
_DIRECTORY = 0o040000

_ATTEMPTS = 4  # looks at a tree whose directories come and go


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """rules None: nothing is ignored. skipped: a path in the tree that is not looked at, if any.

    is_root_filesystem: owners, extended attributes and FIFOs count, mount points are not entered.
    """

    rules: IgnoreRules | None = None
    is_root_filesystem: bool = False
    skipped: str | None = None


class Unread(msgspec.Struct, frozen=True):
    """A file whose content is not known; `old` is what was there at the last look.

    changed: its time of change in nanoseconds, also where the row holds RACY instead.
    """

    directory: str
    name: str
    row: Row
    changed: int
    old: Row | int | None

    @property
    def path(self) -> str:
        """Relative to the root of the tree."""
        return f"{self.directory}/{self.name}" if self.directory else self.name


class Scan(msgspec.Struct, kw_only=True):
    """What the tree is now. Tables of directories in which nothing changed are those of the index.

    is_changed: something other than the content of the `unread` files differs from the last look.
    is_touched: the index is worth saving. special: sockets, devices and the like, left out.
    repositories: nested ones, left out.
    """

    directories: dict[str, Table] = {}
    ignore_files: dict[str, Row] = {}
    unread: list[Unread] = []
    is_changed: bool = False
    is_touched: bool = False
    special: list[str] = []
    repositories: list[str] = []


def scan(root: str, index: StatIndex, options: ScanOptions) -> Scan:
    """Look at the tree below `root`, an absolute path; UserError names what cannot be read."""
    for _ in range(_ATTEMPTS):
        scanner = Scanner(root, index, options)
        scanner.run()
        if not scanner.vanished:
            break
    return scanner.result


class NamedEntry(Protocol):
    """The part of `os.DirEntry` that is needed here."""

    @property
    def name(self) -> str: ...
    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...
    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result: ...


class Scanner:
    """One look at a tree; `vanished`: something went while it was looked at, so it is better done again."""

    def __init__(self, root: str, index: StatIndex, options: ScanOptions) -> None:
        self.result = Scan()
        self.vanished = False
        self._root = root
        self._index = index
        self._options = options
        self._started = time.time_ns()
        self._signature = "" if options.rules is None else options.rules.signature()
        self._rules: dict[str, DirectoryRules] = {}
        try:
            self._device = os.stat(root).st_dev
        except OSError as error:
            raise unreadable("directory", root, error) from None

    def run(self) -> None:
        """Look at everything; `result` says what was found."""
        result = self.result
        pending = [("", self._signature == self._index.rules)]
        while pending:
            directory, is_decided = pending.pop()
            pending += self._enter(directory, is_decided)
        if self._index.directories.keys() != result.directories.keys():
            result.is_changed = True
        if self._index.ignore_files != result.ignore_files or self._index.rules != self._signature:
            result.is_touched = True
        result.is_touched |= result.is_changed
        self._index.rules = self._signature

    def _enter(self, directory: str, is_decided: bool) -> list[tuple[str, bool]]:
        """Look at one directory; its directories, and whether the decisions of the index hold in each."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if directory else 0)
        try:
            descriptor = os.open(os.path.join(self._root, directory), flags)
        except (FileNotFoundError, NotADirectoryError):
            self._leave_out(directory, None)
            self.vanished = True
            return []
        except OSError as error:
            raise unreadable("directory", os.path.join(self._root, directory), error) from None
        try:
            if self._options.is_root_filesystem and os.fstat(descriptor).st_dev != self._device:
                self.result.directories[directory] = {}
                return []
            if self._options.rules is not None:
                is_decided &= self._has_same_ignore_file(directory, descriptor)
            return self._compare(directory, descriptor, is_decided)
        finally:
            os.close(descriptor)

    def _compare(self, directory: str, descriptor: int, is_decided: bool) -> list[tuple[str, bool]]:
        """Compare what is listed with what was: where nothing changed, nothing is made."""
        table: Table = self._index.directories.get(directory, {})
        names: list[str] = []
        children: list[str] = []
        news: dict[str, Row | int | None] = {}
        unread, special = len(self.result.unread), len(self.result.special)
        with os.scandir(descriptor) as entries:
            for entry in entries:
                name = entry.name
                names.append(name)
                row: Row | int | None = table.get(name)
                if row is None or not is_decided or not self._is_same(row, entry):
                    row = news[name] = self._examine(directory, entry, row, is_decided)
                if type(row) is Row and row.mode & _TYPE == _DIRECTORY:
                    children.append(name)
        if news.get(".git") == NESTED_REPOSITORY:
            self._leave_out(directory, NESTED_REPOSITORY)
            self.result.repositories.append(directory)
            del self.result.unread[unread:], self.result.special[special:]
            return []
        if news or len(names) != len(table):
            table = self._renew(table, names, news)
        self.result.directories[directory] = table
        prefix = directory + "/" if directory else ""
        return [(prefix + name, is_decided) for name in children]

    def _is_same(self, row: Row | int, entry: NamedEntry) -> bool:
        """True when the row is still right for the name."""
        if type(row) is not Row:
            return row == (IGNORED_DIRECTORY if entry.is_dir(follow_symlinks=False) else IGNORED_FILE)
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        if row.mode != status.st_mode:
            return False
        if row.mode & _TYPE == _DIRECTORY:
            return not self._options.is_root_filesystem or row.changed == status.st_ctime_ns
        return (
            row.changed == status.st_ctime_ns
            and row.modified == status.st_mtime_ns
            and row.inode == status.st_ino
            and row.size == status.st_size
        )

    def _renew(self, table: Table, names: list[str], news: dict[str, Row | int | None]) -> Table:
        """The table of a directory in which something changed."""
        renewed: Table = {}
        for name in names:
            row = news[name] if name in news else table[name]
            if row is not None:
                renewed[name] = row
            if name in news and self._differs(table.get(name), row):
                self.result.is_changed = True
        if any(name not in renewed and type(row) is Row for name, row in table.items()):
            self.result.is_changed = True
        self.result.is_touched |= renewed != table
        return renewed

    def _differs(self, old: Row | int | None, new: Row | int | None) -> bool:
        """True when a snapshot must differ, whatever the content of a file that is still to be read."""
        if not isinstance(old, Row) or not isinstance(new, Row):
            return isinstance(old, Row) or isinstance(new, Row)
        if old.mode != new.mode or old.is_way_only != new.is_way_only:
            return True
        if self._options.is_root_filesystem and (old.uid, old.gid, old.xattrs) != (
            new.uid,
            new.gid,
            new.xattrs,
        ):
            return True
        return stat.S_ISLNK(new.mode) and old.content != new.content

    def _examine(
        self, directory: str, entry: NamedEntry, old: Row | int | None, is_decided: bool
    ) -> Row | int | None:
        """What is at a name that is new or not as it was; None when it is gone again."""
        if self._options.skipped == (f"{directory}/{entry.name}" if directory else entry.name):
            return IGNORED_DIRECTORY
        is_directory = entry.is_dir(follow_symlinks=False)
        is_way_only = False
        rules = self._options.rules
        if rules is not None:
            if rules.leaves_out_repositories and self._is_repository(directory, entry, old):
                return NESTED_REPOSITORY
            if is_decided and type(old) is Row and (old.mode & _TYPE == _DIRECTORY) == is_directory:
                is_way_only = old.is_way_only
            else:
                decision = self._rules_in(directory).decide(entry.name, is_directory)
                if decision == "ignore":
                    return IGNORED_DIRECTORY if is_directory else IGNORED_FILE
                is_way_only = decision == "way"
        try:
            # Where the old decisions hold, only what is not the same comes here.
            is_known = not is_decided and isinstance(old, Row) and old.is_way_only == is_way_only
            if is_known and old is not None and self._is_same(old, entry):
                return old
            return self._row(directory, entry, old, is_way_only)
        except FileNotFoundError:
            return None

    def _is_repository(self, directory: str, entry: NamedEntry, old: Row | int | None) -> bool:
        """True for the `.git` of a nested repository, and for one that was nested before and still is."""
        name = entry.name
        if name == ".git":
            return directory != ""
        path = f"{directory}/{name}" if directory else name
        was_nested = old == NESTED_REPOSITORY and entry.is_dir(follow_symlinks=False)
        if was_nested and os.path.lexists(os.path.join(self._root, path, ".git")):
            self.result.repositories.append(path)
            return True
        return False

    def _row(
        self, directory: str, entry: NamedEntry, old: Row | int | None, is_way_only: bool
    ) -> Row | int | None:
        status = entry.stat(follow_symlinks=False)
        mode = status.st_mode
        is_root_filesystem = self._options.is_root_filesystem
        content = ""
        if mode & _TYPE == stat.S_IFLNK:
            try:
                content = os.readlink(os.path.join(self._root, directory, entry.name))
            except OSError:
                self.vanished = True
                return None
        elif mode & _TYPE not in (stat.S_IFREG, stat.S_IFDIR) and not (
            is_root_filesystem and stat.S_ISFIFO(mode)
        ):
            self.result.special.append(os.path.join(directory, entry.name))
            return SPECIAL_FILE
        xattrs: tuple[tuple[str, bytes], ...] = ()
        if is_root_filesystem:
            path = os.path.join(self._root, directory, entry.name)
            xattrs = read_xattrs(path, list_xattrs(path))
        row = Row(
            status.st_mtime_ns,
            RACY if self._is_recent(status) else status.st_ctime_ns,
            status.st_ino,
            status.st_size,
            mode,
            content,
            status.st_uid,
            status.st_gid,
            status.st_nlink,
            is_way_only,
            xattrs,
        )
        if mode & _TYPE == stat.S_IFREG:
            self.result.unread.append(Unread(directory, entry.name, row, status.st_ctime_ns, old))
        return row

    def _is_recent(self, status: os.stat_result) -> bool:
        """True when a later change may leave the times as they are; a time in the future says nothing."""
        changed, modified = status.st_ctime_ns, status.st_mtime_ns
        limit = self._started - (_MARGIN_NS if changed % 1_000_000_000 else _MARGIN_WHOLE_SECONDS_NS)
        return changed > limit or limit < modified <= self._started

    def _leave_out(self, directory: str, instead: int | None) -> None:
        """Take a directory, found in the table of its parent, out of the tree again."""
        if not directory:
            raise UserError(f"`{self._root}` is not a directory, or has just gone")
        parent, _, name = directory.rpartition("/")
        table = dict(self.result.directories[parent])
        del table[name]
        if instead is not None:
            table[name] = instead
        self.result.directories[parent] = table
        self.result.is_touched = True
        if isinstance(self._index.directories.get(parent, {}).get(name), Row):
            self.result.is_changed = True

    def _has_same_ignore_file(self, directory: str, descriptor: int) -> bool:
        """True when the `.gitignore` here, or its absence, is what it was; what it is now is noted."""
        old = self._index.ignore_files.get(directory)
        try:
            status = os.stat(GIT_IGNORE, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return old is None
        row = Row(
            modified=status.st_mtime_ns,
            changed=RACY if self._is_recent(status) else status.st_ctime_ns,
            inode=status.st_ino,
            size=status.st_size,
            mode=status.st_mode,
        )
        self.result.ignore_files[directory] = row
        return old is not None and old.changed != RACY and old == row

    def _rules_in(self, directory: str) -> DirectoryRules:
        found = self._rules.get(directory)
        if found is None:
            assert self._options.rules is not None
            if directory:
                parent, _, name = directory.rpartition("/")
                found = self._rules_in(parent).below(name)
            else:
                found = self._options.rules.at_root(self._root)
            self._rules[directory] = found
        return found


class UnreadableError(UserError):
    """A file or directory of the tree that cannot be read."""


def unreadable(what: str, path: str, error: OSError) -> UnreadableError:
    """`what` is "file" or "directory", `path` absolute."""
    return UnreadableError(f"cannot read {what} `{path}`: {(error.strerror or str(error)).lower()}")
