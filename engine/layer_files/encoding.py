"""Makes the index of a layer from its manifest."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate, compress, islice
from operator import mul

import msgspec

from engine.file_tree import DIRECTORY as DIRECTORY_KIND
from engine.file_tree import Entry, LayerManifest, ancestors, parent_of
from engine.layer_files import index_format
from engine.layer_files.index_format import (
    DELETED,
    DIGEST,
    DIRECTORY,
    EMPTIED,
    ENTRY,
    KIND_SHIFT,
    KINDS,
    NEEDED,
    NODE_DIGEST,
    SHOWN_ALONE,
    Counts,
    Extra,
)

_KIND_BITS = {kind: number << KIND_SHIFT for number, kind in enumerate(KINDS)}
_PASSED = Entry(DIRECTORY_KIND, 0o755, 0, 0)  # a parent that a manifest does not tell of
_NOTHING = Entry("", 0, 0, 0)
_NO_DIGEST = "0" * (2 * DIGEST)
_IS_HEXADECIMAL = re.compile("[0-9a-f]*").fullmatch
_MOST_ID = 2**32 - 1
_MOST_SIZE = 2**63 - 1


def encode(manifest: LayerManifest) -> bytes:
    """The index, as `LayerIndex` reads it. The manifest need not be sorted."""
    flags, found = _flags(manifest)
    directories = sorted(found, key=lambda path: path.replace("/", "\0"))
    names = [sorted(found[directory]) for directory in directories]
    paths = [""]
    first = array("I", [0, 1])
    for directory, inner in zip(directories, names, strict=True):
        prefix = directory + "/" if directory else ""
        paths += [prefix + name for name in inner]
        first.append(len(paths))
    numbers = {directory: number for number, directory in enumerate(directories, 1)}
    get, passed = manifest.entries.get, manifest.passed.get
    known = [get(path) or passed(path) for path in paths]
    row_flags = bytes([flags[path] for path in paths])
    entries = [
        entry if entry is not None else _PASSED if flag & DIRECTORY else _NOTHING
        for entry, flag in zip(known, row_flags, strict=True)
    ]
    digests = "".join([entry.digest if len(entry.digest) == 2 * DIGEST else _NO_DIGEST for entry in entries])
    are_usual = _IS_HEXADECIMAL(digests) is not None
    if not are_usual:
        digests = "".join([entry.digest if _is_usual(entry.digest) else _NO_DIGEST for entry in entries])
    columns = _row_columns(entries)
    columns["digests"] = bytes.fromhex(digests)
    del digests
    columns["flags"] = row_flags
    blobs = [b"\0\0", *("\0".join([*inner, ""]).encode("utf-8", "surrogatepass") for inner in names)]
    columns["names"] = b"".join(blobs)
    lengths = [1] + [len(name) + 1 for name in columns["names"][1:-1].split(b"\0")]
    columns["offsets"] = array("I", accumulate(lengths)).tobytes()
    children = array("I", [numbers.get(path, 0) for path in paths])
    columns["children"] = children.tobytes()
    columns["first"] = first.tobytes()
    extras = _add_extras(columns, entries, are_usual)
    links = _add_links(columns, manifest.links, paths)
    last = _last(directories, numbers)
    own = [0] * (len(directories) + 1)
    for row, child in enumerate(children):
        own[child] = row
    own[0] = 0
    columns["own"] = array("I", own).tobytes()
    columns["last"] = last.tobytes()
    _add_totals(columns, first, last)
    _add_digests(columns, first, children)
    sizes = array("Q", columns["sizes"])
    counts = Counts(
        rows=len(paths),
        nodes=len(own),
        names=len(columns["names"]),
        extras=extras,
        extra_bytes=len(columns["extra_bytes"]),
        links=links,
        entries=len(manifest.entries),
        bytes=sum(compress(sizes, row_flags.translate(index_format.IS_ENTRY))),
    )
    return index_format.join(counts, columns)


def _flags(manifest: LayerManifest) -> tuple[dict[str, int], dict[str, list[str]]]:
    """What the layer says of each path, parents included that it does not tell of; and names by directory."""
    flags = {
        path: ENTRY | DIRECTORY if entry.kind == DIRECTORY_KIND else ENTRY
        for path, entry in manifest.entries.items()
    }
    found: dict[str, list[str]] = {}
    _group(flags, found)
    needed = set(found)
    needed |= ancestors(found)
    told = len(flags)
    for path in ("", *manifest.passed):
        flags.setdefault(path, DIRECTORY)
    for path in manifest.deleted:
        flags[path] = flags.get(path, 0) | DELETED
    for path in manifest.emptied:
        flags[path] = flags.get(path, DIRECTORY) | EMPTIED
    for path in needed:
        if not flags.get(path, 0) & ENTRY:
            flags[path] = flags.get(path, 0) | NEEDED | DIRECTORY
    for path in ancestors(islice(flags, told, None)):
        flags.setdefault(path, DIRECTORY)
    _group(islice(flags, told, None), found)
    return flags, found


def _group(paths: Iterable[str], found: dict[str, list[str]]) -> None:
    for path in paths:
        if path:
            directory, _, name = path.rpartition("/")
            inner = found.get(directory)
            if inner is None:
                found[directory] = [name]
            else:
                inner.append(name)


def _row_columns(entries: list[Entry]) -> dict[str, bytes]:
    sizes = [entry.size for entry in entries]
    if min(sizes) < 0 or max(sizes) > _MOST_SIZE:
        sizes = [min(max(size, 0), _MOST_SIZE) for size in sizes]
    modes = [_KIND_BITS[entry.kind] | entry.mode & 0o7777 for entry in entries]
    times = [entry.mtime_ns for entry in entries]
    if min(times) < -_MOST_SIZE or max(times) > _MOST_SIZE:
        times = [min(max(time, -_MOST_SIZE), _MOST_SIZE) for time in times]
    return {
        "sizes": array("Q", sizes).tobytes(),
        "modes": array("H", modes).tobytes(),
        "uids": array("I", [entry.uid & _MOST_ID for entry in entries]).tobytes(),
        "gids": array("I", [entry.gid & _MOST_ID for entry in entries]).tobytes(),
        "mtimes": array("q", times).tobytes(),
    }


def _is_usual(digest: str) -> bool:
    return len(digest) == 2 * DIGEST and _IS_HEXADECIMAL(digest) is not None


def _add_extras(columns: dict[str, bytes], entries: list[Entry], are_usual: bool) -> int:
    rows = array("I")
    offsets = array("I", [0])
    parts = []
    position = 0
    for row, entry in enumerate(entries):
        digest = entry.digest
        if digest and (len(digest) == 2 * DIGEST and (are_usual or _is_usual(digest))):
            digest = ""
        if not (entry.target or digest or entry.xattrs or entry.device):
            continue
        xattrs = tuple((os.fsencode(name), value) for name, value in entry.xattrs)
        part = msgspec.msgpack.encode(Extra(os.fsencode(entry.target), entry.device, xattrs, digest))
        parts.append(part)
        position += len(part)
        rows.append(row)
        offsets.append(position)
    columns["extra_rows"] = rows.tobytes()
    columns["extra_offsets"] = offsets.tobytes()
    columns["extra_bytes"] = b"".join(parts)
    return len(rows)


def _add_links(columns: dict[str, bytes], links: dict[str, str], paths: list[str]) -> int:
    """Pairs of rows, a later name and the first, sorted by the first."""
    pairs = []
    if links:
        wanted = {*links, *links.values()}
        rows = {path: row for row, path in enumerate(paths) if path in wanted}
        pairs = sorted(
            (rows[one], rows[later]) for later, one in links.items() if {one, later} <= rows.keys()
        )
    columns["link_firsts"] = array("I", [one for one, _ in pairs]).tobytes()
    columns["link_rows"] = array("I", [later for _, later in pairs]).tobytes()
    return len(pairs)


def _last(directories: list[str], numbers: dict[str, int]) -> array[int]:
    """By directory: the number after that of the last one below it."""
    last = array("I", range(1, len(directories) + 2))
    for number in range(len(directories), 0, -1):
        path = directories[number - 1]
        above = numbers[parent_of(path)] if path else 0
        if last[above] < last[number]:
            last[above] = last[number]
    return last


def _add_totals(columns: dict[str, bytes], first: array[int], last: array[int]) -> None:
    """By directory: the bytes and the number of all that is shown below it where the layer stands alone."""
    shown = columns["flags"].translate(SHOWN_ALONE)
    sizes = array("Q", columns["sizes"])
    added = [0, *accumulate(map(mul, sizes, shown))]
    counted = [0, *accumulate(shown)]
    ranges = [(first[number], first[end]) for number, end in enumerate(last)]
    columns["node_bytes"] = array("Q", [added[end] - added[begin] for begin, end in ranges]).tobytes()
    columns["node_entries"] = array("I", [counted[end] - counted[begin] for begin, end in ranges]).tobytes()


def _add_digests(columns: dict[str, bytes], first: array[int], children: array[int]) -> None:
    """By directory: what identifies all below it, times apart; and its names and kinds alone, 0 for none."""
    get = columns.__getitem__
    flags, names, modes, sizes = get("flags"), get("names"), get("modes"), get("sizes")
    uids, gids, digests = get("uids"), get("gids"), get("digests")
    offsets = array("I", columns["offsets"])
    extra_rows, extra_offsets = array("I", columns["extra_rows"]), array("I", columns["extra_offsets"])
    extra_bytes = columns["extra_bytes"]
    outline = flags.translate(bytes(flag & DIRECTORY for flag in range(256)))
    odd = re.compile(b"[%s]" % re.escape(bytes(flag for flag in range(256) if _is_odd(flag))))
    count = len(first) - 1
    found = [b""] * count
    shapes = array("Q", bytes(8 * count))
    extra = len(extra_rows)
    for number in range(count - 1, -1, -1):
        begin, end = first[number], first[number + 1]
        until = extra
        while extra and extra_rows[extra - 1] >= begin:
            extra -= 1
        places = [row - begin for row in extra_rows[extra:until]]
        inner = [child for child in children[begin:end] if child]
        here = names[offsets[begin] : offsets[end]]
        parts = [
            array("I", [end - begin, *places]).tobytes(),
            flags[begin:end],
            here,
            modes[2 * begin : 2 * end],
            sizes[8 * begin : 8 * end],
            uids[4 * begin : 4 * end],
            gids[4 * begin : 4 * end],
            digests[DIGEST * begin : DIGEST * end],
            extra_bytes[extra_offsets[extra] : extra_offsets[until]],
            *[found[child] for child in inner],
        ]
        found[number] = blake2b(b"".join(parts), digest_size=NODE_DIGEST).digest()
        if not odd.search(flags, begin, end) and all(shapes[child] for child in inner):
            shape = array("Q", [end - begin, *[shapes[child] for child in inner]]).tobytes()
            shape += outline[begin:end] + bytes(1 if child else 0 for child in children[begin:end])
            shapes[number] = int.from_bytes(blake2b(shape + here, digest_size=8).digest(), "little")
    columns["node_digests"] = b"".join(found)
    columns["shapes"] = shapes.tobytes()


def _is_odd(flag: int) -> bool:
    """Whether a row does more than to show itself."""
    return bool(flag & (DELETED | EMPTIED)) or not flag & (ENTRY | NEEDED)
