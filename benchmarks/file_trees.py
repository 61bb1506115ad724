"""Layers as large as those of real images, by manifests alone: sizes are claims, no file is written."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from engine.file_tree import DIRECTORY, Entry, LayerManifest, ancestors

FILES = 300_000
BYTES = 6 * 1000**3
_FOLDER = Entry(DIRECTORY, 0o755, 0, 0)
_MEAN = BYTES / FILES * 1.22  # links and directories have no size
_LARGE = (
    ("usr", 0.66),
    ("var/mint-workspace/node_modules", 0.17),
    ("opt/python", 0.1),
    ("var/mint-workspace/out", 0.05),
)
_SMALL = 12  # layers that touch files here and there
_TOUCHED = 250
_REMOVED = 30


def layers(seed: int = 1) -> list[LayerManifest]:
    """A stack of 16 layers, lowest first. Another `seed` gives other contents of one file in a hundred."""
    shape, chance = random.Random(1), random.Random(seed)
    made = [
        _grown(prefix, int(FILES * share), shape, chance if seed > 1 else None) for prefix, share in _LARGE
    ]
    files = sorted(
        path for manifest in made for path, entry in manifest.entries.items() if entry.kind == "file"
    )
    for number in range(_SMALL):
        touched = shape.sample(files, _TOUCHED)
        entries = {path: _file(shape, number + seed) for path in touched}
        entries |= {f"var/log/task{number}/{name}": _file(shape, seed) for name in range(_TOUCHED)}
        made.append(_manifest(entries, shape.sample(files, _REMOVED)))
    return made


def _grown(prefix: str, count: int, shape: random.Random, chance: random.Random | None) -> LayerManifest:
    """A layer of so many entries below `prefix`, ten to a directory, and one of thousands."""
    folders = [prefix]
    entries: dict[str, Entry] = {}
    for number in range(count // 10):
        above = shape.choice(folders[-300:]) if number % 4 else shape.choice(folders[:40])
        path = f"{above}/{_name(shape)}{number}"
        if path.count("/") < 14:
            folders.append(path)
            entries[path] = _FOLDER
    for number in range(count - len(entries)):
        above = folders[0] if number % 100 == 0 else shape.choice(folders)
        path = f"{above}/{_name(shape)}_{number}.{shape.choice(('py', 'js', 'so', 'h', 'd.ts', 'md'))}"
        if number % 12 == 0:
            entries[path] = Entry("symlink", 0o777, 0, 0, target=f"../{_name(shape)}.so")
        else:
            entries[path] = _file(shape, 0)
            if chance is not None and chance.random() < 0.01:
                entries[path] = msgspec.structs.replace(
                    entries[path], digest=f"{chance.getrandbits(256):064x}"
                )
    return _manifest(entries, ())


def _name(shape: random.Random) -> str:
    return shape.choice(
        ("lib", "test", "module", "index", "package", "util", "types", "core", "locale", "config")
    )


def _file(shape: random.Random, salt: int) -> Entry:
    digest = f"{shape.getrandbits(255) ^ salt:064x}"
    return Entry(
        "file", 0o644, 0, 0, int(shape.expovariate(1 / _MEAN)), digest, mtime_ns=shape.getrandbits(60)
    )


def _manifest(entries: dict[str, Entry], deleted: Sequence[str]) -> LayerManifest:
    passed = (ancestors([*entries, *deleted]) | {""}) - entries.keys()
    return LayerManifest(
        {path: entries[path] for path in sorted(entries)},
        tuple(sorted(set(deleted) - entries.keys())),
        dict.fromkeys(sorted(passed), _FOLDER),
    )
