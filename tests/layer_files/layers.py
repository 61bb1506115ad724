"""Layers for tests: by hypothesis, few names and every rule; and as tasks of a chain would make them."""

from __future__ import annotations

import random

import msgspec
from hypothesis import strategies as st

from engine.file_tree import DIRECTORY, Entry, LayerManifest, ancestors

DIRECTORY_ENTRY = Entry(DIRECTORY, 0o755, 0, 0)
NAMES = ("a", "b", "a-b", "a\n", "\udce4", "\udced\udcb2\udc80", "é", "\U0001f980")

names = st.sampled_from(NAMES)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
digests = st.sampled_from(["", "0" * 63 + "1", "ab" * 32, "AB" * 32, "sha", "ü" * 64])
directories = st.builds(
    lambda mode, uid: Entry(DIRECTORY, mode, uid, 0),
    st.sampled_from([0o755, 0o1777]),
    st.sampled_from([0, 7]),
)
files = st.builds(
    lambda mode, size, digest, xattrs, time: Entry(
        "file", mode, 0, 2**32 - 2, size, digest, xattrs=xattrs, mtime_ns=time
    ),
    st.sampled_from([0o644, 0o4755]),
    st.sampled_from([0, 1, 2**40]),
    digests,
    st.sampled_from([(), (("user.x", b"\0y"),), (("user.\udcff", b""),)]),
    st.sampled_from([-(10**9), 0, 10**18 + 1]),
)
links = st.builds(
    lambda target: Entry("symlink", 0o777, 0, 0, target=target),
    st.sampled_from(["a", "../b", "/\udce4", "/"]),
)
others = st.sampled_from([Entry("fifo", 0o600, 0, 0), Entry("character", 0o600, 0, 5, device=0x103)])
entries = st.one_of(files, directories, directories, links, others)


@st.composite
def manifests(draw: st.DrawFn) -> LayerManifest:
    """A layer as a capture makes them: parents are directories of the layer, or passed through."""
    found = draw(st.dictionaries(paths, entries, max_size=6))
    found = {
        path: entry
        for path, entry in found.items()
        if all(_is_directory(found, above) for above in _above(path))
    }
    deleted = draw(st.sets(paths, max_size=3))
    emptied = draw(st.sets(paths, max_size=3)) - found.keys()
    deleted = {path for path in deleted if all(_is_directory(found, above) for above in _above(path))}
    emptied = {path for path in emptied if all(_is_directory(found, above) for above in _above(path))}
    needed = (ancestors([*found, *deleted]) | {""}) - found.keys()
    passed = {path: draw(directories) for path in sorted(needed)}
    return LayerManifest(
        {path: found[path] for path in sorted(found)},
        tuple(sorted(deleted)),
        passed,
        {},
        tuple(sorted(emptied)),
    )


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _is_directory(found: dict[str, Entry], path: str) -> bool:
    return path not in found or found[path].kind == DIRECTORY


@st.composite
def _altered(draw: st.DrawFn, layer: LayerManifest) -> LayerManifest:
    """The same paths with other attributes or contents, as `chown -R` makes them, or for some of them."""
    entries = {}
    for path, entry in (layer.passed | layer.entries).items():
        keeps_directories = entry.kind != DIRECTORY or draw(st.booleans())
        if keeps_directories:
            entries[path] = msgspec.structs.replace(
                entry,
                uid=draw(st.sampled_from([0, 9])),
                xattrs=draw(st.sampled_from([(), (("user.y", b"1"),)])),
            )
    passed = {path: entry for path, entry in layer.passed.items() if path not in entries}
    passed |= {path: entry for path, entry in layer.entries.items() if path not in entries}
    return LayerManifest(
        {path: entries[path] for path in sorted(entries)},
        passed={path: passed[path] for path in sorted(passed)},
    )


@st.composite
def _stacks(draw: st.DrawFn) -> list[LayerManifest]:
    layers: list[LayerManifest] = []
    for is_altered in draw(st.lists(st.booleans(), max_size=5)):
        before = draw(st.sampled_from(layers)) if is_altered and layers else None
        layers.append(draw(manifests() if before is None else _altered(before)))
    return layers


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[list[LayerManifest], list[LayerManifest]]:
    one = draw(_stacks())
    other = [draw(st.sampled_from([layer, layer, None])) for layer in one]
    made = [draw(_altered(layer)) if kept is None else kept for kept, layer in zip(other, one, strict=True)]
    return one, draw(st.sampled_from([made, made[1:], made[:-1], draw(_stacks())]))


stacks = _stacks()
pairs_of_stacks = _pairs()  # two that share layers or names, or nothing


def large_manifest(count: int, seed: int = 1, prefix: str = "") -> LayerManifest:
    """So many entries, ten to a directory, as a distribution with its packages has them."""
    chance = random.Random(seed)
    entries = {"": DIRECTORY_ENTRY}
    made = [prefix]
    for number in range(count // 10):
        above = chance.choice(made[-200:]) if chance.random() < 0.8 else chance.choice(made)
        if above.count("/") > 12:
            above = ""
        path = f"{above}/directory{number}" if above else f"directory{number}"
        made.append(path)
        entries[path] = DIRECTORY_ENTRY
    for number in range(count - len(entries)):
        above = chance.choice(made)
        path = f"{above}/file-{number}.py" if above else f"file-{number}.py"
        if number % 10:
            size = chance.randrange(48_000)
            entries[path] = Entry(
                "file", 0o644, 0, 0, size, f"{chance.getrandbits(256):064x}", mtime_ns=number
            )
        else:
            entries[path] = Entry("symlink", 0o777, 0, 0, target=f"../file-{number + 1}.py")
    return LayerManifest({path: entries[path] for path in sorted(entries)})
