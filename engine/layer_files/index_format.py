"""How the index of a layer lies in a file: columns of rows and of directories, one after the other.

A row is a path that the layer has, deletes or passes through. Rows are grouped by directory and sorted
by name within it; directories are numbered in tree order, so all that lies below a directory is one
range of rows. Directory 0 lies above the root: its one row, row 0, is the root itself.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

# What the layer says of a path. A row that is no entry, and not deleted alone, is passed through.
ENTRY = 1  # added or changed
DIRECTORY = 2  # the entry, or what is passed through, is a directory
NEEDED = 4  # passed through on the way to an entry: it is made where there is no directory
DELETED = 8  # what lies below this layer is hidden, with everything under it
EMPTIED = 16  # a directory that goes when nothing is left in it

KINDS = ("", "file", "directory", "symlink", "fifo", "character", "block")
KIND_SHIFT = 12

# Whether a row is shown where its layer stands alone, by its flags; and whether it is an entry.
SHOWN_ALONE = bytes(1 if flags & (ENTRY | NEEDED) else 0 for flags in range(256))
IS_ENTRY = bytes(flags & ENTRY for flags in range(256))

_MAGIC = b"outcrop layer index 1\n\0\0"
_START = struct.Struct("<24sII9Q")
DIGEST = 32
NODE_DIGEST = 16

# (name, type of the items, which count says how many, bytes of one item or items added to the count)
_COLUMNS = (
    ("flags", "B", "rows", 0),
    ("offsets", "I", "rows", 1),
    ("sizes", "Q", "rows", 0),
    ("modes", "H", "rows", 0),
    ("uids", "I", "rows", 0),
    ("gids", "I", "rows", 0),
    ("children", "I", "rows", 0),
    ("first", "I", "nodes", 1),
    ("own", "I", "nodes", 0),
    ("last", "I", "nodes", 0),
    ("node_bytes", "Q", "nodes", 0),
    ("node_entries", "I", "nodes", 0),
    ("shapes", "Q", "nodes", 0),
    ("node_digests", "B", "node_digests", 0),
    ("names", "B", "names", 0),
    ("mtimes", "q", "rows", 0),
    ("digests", "B", "digests", 0),
    ("extra_rows", "I", "extras", 0),
    ("extra_offsets", "I", "extras", 1),
    ("extra_bytes", "B", "extra_bytes", 0),
    ("link_rows", "I", "links", 0),
    ("link_firsts", "I", "links", 0),
)
_WIDTHS = {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8}


class Counts(msgspec.Struct, frozen=True):
    """How much of everything there is. `entries`, `bytes`: of the layer's own entries, files' sizes added."""

    rows: int
    nodes: int
    names: int
    extras: int
    extra_bytes: int
    links: int
    entries: int
    bytes: int


class Extra(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What few rows have. `digest`: of a file whose digest is none of 64 hex digits."""

    target: bytes = b""
    device: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    digest: str = ""


def places(counts: Counts) -> tuple[dict[str, tuple[str, int, int]], int]:
    """By column: the type of its items, where it begins and ends; and how long the file is."""
    numbers = {
        "rows": counts.rows,
        "nodes": counts.nodes,
        "node_digests": counts.nodes * NODE_DIGEST,
        "names": counts.names,
        "digests": counts.rows * DIGEST,
        "extras": counts.extras,
        "extra_bytes": counts.extra_bytes,
        "links": counts.links,
    }
    found = {}
    position = _START.size
    for name, kind, count, added in _COLUMNS:
        position = -(-position // 8) * 8
        end = position + (numbers[count] + added) * _WIDTHS[kind]
        found[name] = (kind, position, end)
        position = end
    return found, position


def join(counts: Counts, columns: dict[str, bytes]) -> bytes:
    """The whole file."""
    where, end = places(counts)
    content = bytearray(end)
    for name, (_, begin, until) in where.items():
        if len(columns[name]) != until - begin:
            raise ValueError(f"column `{name}` has {len(columns[name])} bytes, not {until - begin}")
        content[begin:until] = columns[name]
    numbers = msgspec.structs.astuple(counts)
    _START.pack_into(content, 0, _MAGIC, 0, 0, end, *numbers)
    checksum = zlib.crc32(memoryview(content)[32:])
    _START.pack_into(content, 0, _MAGIC, checksum, 0, end, *numbers)
    return bytes(content)


def read_start(content: bytes) -> tuple[Counts, int, int] | None:
    """(counts, length of the file, crc32 of all but the first 32 bytes), or None for another format."""
    if len(content) < _START.size:
        return None
    magic, checksum, _, length, *numbers = _START.unpack_from(content)
    if magic != _MAGIC:
        return None
    counts = Counts(*numbers)
    return (counts, length, checksum) if places(counts)[1] == length else None


START_SIZE = _START.size
UNCHECKED = 32  # bytes before those that the checksum covers
