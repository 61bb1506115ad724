"""The figures are those of dive, which was run on these very archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.images.efficiency import Version
from engine.images.inspected import InspectedImage
from engine.images.registration import register
from tests.images.image_archives import Item, directory, docker_archive, file, layer

# (layers, score, wasted bytes, bytes in all): what `dive --source docker-archive FILE --json OUT` of
# dive 0.13.1 wrote as efficiencyScore, inefficientBytes and sizeBytes for `docker_archive(FILE, layers)`.
_CASES: dict[str, tuple[list[list[Item]], float, int, int]] = {
    "overwritten": (
        [[file("a", 100), file("b", 50)], [file("a", 30)], [file("a", 70)]],
        0.32,
        200,
        250,
    ),
    "a removed file": (
        [[directory("d"), file("d/a", 100), file("d/b", 10)], [directory("d"), file("d/.wh.a", 0)]],
        0.09090909090909091,
        100,
        110,
    ),
    "a removed directory": (
        [[directory("d"), file("d/a", 100), file("d/b", 10)], [file(".wh.d", 0)]],
        1.0,
        0,
        110,
    ),
    "a directory removed twice": (
        [
            [directory("d"), file("d/a", 100)],
            [file(".wh.d", 0)],
            [directory("d"), file("d/a", 7)],
            [file(".wh.d", 0)],
        ],
        0.06542056074766354,
        214,
        107,
    ),
    "removed and made again in one layer": (
        [
            [directory("d"), file("d/a", 100)],
            [file(".wh.d", 0), directory("d"), file("d/a", 20), file("d/c", 20)],
            [file(".wh.d", 0)],
        ],
        0.2857142857142857,
        260,
        140,
    ),
    "opaque": (
        [
            [directory("d"), file("d/a", 100)],
            [directory("d"), file("d/.wh..wh..opq", 0), file("d/b", 5)],
            [file(".wh.d", 0)],
        ],
        1.0,
        0,
        105,
    ),
    "a whiteout of nothing ends its layer": (
        [
            [file("a", 100), file("z", 10)],
            [file(".wh.nope", 0), file("a", 5), file("z", 6)],
            [file("z", 6), file("a", 3)],
        ],
        0.06722689075630252,
        119,
        130,
    ),
    "a whiteout in the lowest layer": (
        [[file(".wh.b", 0), file("b", 9), file("c", 8)], [file("b", 3)]],
        0.4,
        12,
        20,
    ),
    "a file in place of a directory": (
        [[directory("d"), file("d/a", 100), file("d/b", 30)], [file("d", 12)], [file(".wh.d", 0)]],
        0.9154929577464789,
        12,
        142,
    ),
    "hard links": (
        [
            [file("a", 100), Item("b", "link", target="a")],
            [file("a", 100), Item("b", "link", target="a")],
            [file(".wh.b", 0)],
        ],
        0.5,
        200,
        200,
    ),
    "below a link": (
        [
            [
                directory("usr"),
                directory("usr/lib"),
                file("usr/lib/x", 10),
                Item("lib", "symlink", target="usr/lib"),
            ],
            [file("lib/x", 20)],
            [file(".wh.lib", 0)],
        ],
        1.0,
        0,
        30,
    ),
    "a device becomes a file": ([[Item("p", "character")], [file("p", 10)]], 0.0, 10, 10),
    "names written otherwise": (
        [[file("/a", 10), file("./b", 20), file("c//d", 5)], [file("a", 5), file("b", 2), file("c/./d", 1)]],
        0.18604651162790697,
        43,
        43,
    ),
    "the last of several members counts": (
        [[file("a", 10), file("a", 20), file("a", 30)], [file("a", 1)]],
        0.03225806451612903,
        31,
        61,
    ),
    "nothing": ([[], []], 1.0, 0, 0),
}


@pytest.mark.parametrize("name", _CASES)
def test_the_figures_are_those_of_dive(name: str, tmp_path: Path) -> None:
    items, score, wasted, total = _CASES[name]
    archive = docker_archive(tmp_path / "image.tar", [layer(one) for one in items])
    store = str(tmp_path / "store")
    figures = InspectedImage.open(store, register(str(archive), store)).efficiency
    assert (figures.score, figures.bytes, figures.total_bytes) == (score, wasted, total)
    assert sum(figures.by_layer) == wasted


def test_the_worst_paths_come_first_with_all_their_versions(tmp_path: Path) -> None:
    lower = layer([file("small", 5), file("large", 500), file("once", 9_000)])
    upper = layer([file("large", 400), file(".wh.small", 0)])
    archive = docker_archive(tmp_path / "image.tar", [lower, upper])
    store = str(tmp_path / "store")
    figures = InspectedImage.open(store, register(str(archive), store)).efficiency
    assert [(one.path, one.bytes, one.versions) for one in figures.paths] == [
        ("large", 900, (Version(0, 500), Version(1, 400))),
        ("small", 5, (Version(0, 5), Version(1, 0, True))),
    ]
    assert figures.user_bytes == 400
