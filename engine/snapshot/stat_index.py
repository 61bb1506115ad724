"""What the last look at a directory tree found, so that the next one reads only what changed."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import os
import stat
from collections.abc import Callable

import msgspec

from engine.snapshot.cache_file import write_cache

VERSION = 1

# What stands in a table in place of a row, for a name that is not part of the tree.
IGNORED_FILE = 0
IGNORED_DIRECTORY = 1
NESTED_REPOSITORY = 2
SPECIAL_FILE = 3

# `Row.changed` of what may change again without a change of its time stamps; equal to no time.
RACY = -1


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One name as last seen; times in nanoseconds, `mode` with the type bits.

    content: sha256 of a file ("" while nobody needed it), target of a symlink, "" otherwise.
    is_way_only: a directory that counts only when something below it does.
    """

    modified: int
    changed: int
    inode: int
    size: int
    mode: int
    content: str = ""
    uid: int = 0
    gid: int = 0
    links: int = 1
    is_way_only: bool = False
    xattrs: tuple[tuple[str, bytes], ...] = ()


# Names of one directory -> what they are; one of the constants above when not part of the tree.
Table = dict[str, Row | int]


class StatIndex(msgspec.Struct, kw_only=True):
    """The memory of one tree. Paths are relative to its root, "" is the root itself.

    rules: what the ignore rules from outside the tree were, in a form that changes when they do.
    ignore_files: the `.gitignore` files of the tree, by directory.
    results: for each way of asking, the layer digest that the tree as it is here gave.
    latest: the same, not forgotten when the tree changes: layers that new ones may share files with.
    notes: what else was found out, by name.
    """

    version: int = VERSION
    root: str
    rules: str = ""
    directories: dict[str, Table] = {}
    ignore_files: dict[str, Row] = {}
    results: dict[str, str] = {}
    latest: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    has_odd_names: bool = False


def load(path: str, root: str) -> StatIndex:
    """The index at `path`; an empty one when there is none, or it is damaged or of another tree."""
    try:
        with open(path, "rb") as file:
            index = _DECODER.decode(file.read())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return StatIndex(root=_shown(root))
    if index.version != VERSION or index.root != _shown(root):
        return StatIndex(root=_shown(root))
    if index.has_odd_names:
        index.directories = _map_names(index.directories, _original)
        index.ignore_files = {_original(name): row for name, row in index.ignore_files.items()}
    return index


def save(index: StatIndex, path: str) -> None:
    """Write the index whole or not at all; names that are not UTF-8 are escaped."""
    try:
        data = msgspec.msgpack.encode(index)
    except UnicodeEncodeError:
        data = msgspec.msgpack.encode(
            msgspec.structs.replace(
                index,
                directories=_map_names(index.directories, _shown),
                ignore_files={_shown(name): row for name, row in index.ignore_files.items()},
                has_odd_names=True,
            )
        )
    write_cache(path, data)


_DECODER = msgspec.msgpack.Decoder(StatIndex)


def _shown(name: str) -> str:
    """The name itself, or NUL and its bytes in hex when it is not UTF-8; no name holds a NUL."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "\0" + os.fsencode(name).hex()
    return name


def _original(name: str) -> str:
    return os.fsdecode(bytes.fromhex(name[1:])) if name.startswith("\0") else name


def _map_names(directories: dict[str, Table], change: Callable[[str], str]) -> dict[str, Table]:
    return {
        change(directory): {change(name): _map_target(row, change) for name, row in table.items()}
        for directory, table in directories.items()
    }


def _map_target(row: Row | int, change: Callable[[str], str]) -> Row | int:
    if isinstance(row, int) or not stat.S_ISLNK(row.mode):
        return row
    return msgspec.structs.replace(row, content=change(row.content))
