"""Waste of layers of the store, and what is said about it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from engine.file_tree import Entry, LayerManifest
from engine.filter import compile_patterns
from engine.images.inspected import InspectedImage
from engine.images.registration import register
from engine.inspection import waste
from engine.inspection.waste import Waste, figures_of, waste_of
from engine.layer_files.layer_index import LayerIndex
from tests.images.image_archives import Item, directory, docker_archive, file, layer


class Named(msgspec.Struct, frozen=True):
    """A layer as it is told of."""

    name: str
    result: str = "executed"


def _manifest(entries: dict[str, Entry], deleted: tuple[str, ...] = ()) -> LayerIndex:
    return LayerIndex.of(LayerManifest(dict(sorted(entries.items())), deleted))


def _file(size: int, content: str = "", mode: int = 0o644) -> Entry:
    return Entry("file", mode, 0, 0, size, (content or str(size)).rjust(64, "0"))


def _waste(*layers: tuple[str, LayerIndex], workspace: str = "") -> Waste:
    named = [Named(name, "base" if name == "base" else "executed") for name, _ in layers]
    return waste_of(named, [index for _, index in layers], None, workspace)


@pytest.mark.parametrize("large", [0, 10_000])
@pytest.mark.parametrize("seed", range(40))
def test_layers_of_the_store_waste_what_the_image_of_them_does(
    seed: int, large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ways to dive's figures, for layers as builders write them: whiteouts only of what is there."""
    monkeypatch.setattr(waste, "_LARGE", large)
    chosen = random.Random(seed)
    there: dict[str, bool] = {}  # path -> is a directory
    layers = [layer(_made(chosen, there)) for _ in range(chosen.randint(1, 5))]
    store = str(tmp_path / "store")
    image = InspectedImage.open(store, register(str(docker_archive(tmp_path / "i.tar", layers)), store))
    assert figures_of(image.layers) == image.efficiency


def test_a_deletion_of_what_is_not_there_counts_the_same_where_little_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    low = _manifest({"a": _file(3), "b": _file(5), "only": _file(70)})
    high = _manifest({"b": _file(7), "zeta": _file(11)}, ("missing",))
    found = []
    for large in (0, 10_000):
        monkeypatch.setattr(waste, "_LARGE", large)
        found.append(figures_of([low, high]))
    assert found[0] == found[1]
    assert found[0].score < 1


def _made(chosen: random.Random, there: dict[str, bool]) -> list[Item]:
    items: dict[str, Item] = {}
    for _ in range(chosen.randint(0, 8)):
        parts = [chosen.choice("abc") for _ in range(chosen.randint(1, 3))]
        path = "/".join(parts)
        parents = ["/".join(parts[:end]) for end in range(1, len(parts))]
        if any(there.get(parent) is False for parent in parents) or there.get(path):
            continue
        for parent in parents:
            there[parent] = True
            items[parent] = directory(parent)
        there[path] = False
        items[path] = file(path, chosen.randint(0, 50))
    gone = [path for path in there if path not in items and chosen.random() < 0.3]
    for path in gone:
        if there.pop(path, None) is None or any(name.startswith(f"{path}/") for name in items):
            continue
        for below in [name for name in there if name.startswith(f"{path}/")]:
            del there[below]
        above, _, name = path.rpartition("/")
        while above and above not in items:
            items[above] = directory(above)
            above = above.rpartition("/")[0]
        whiteout = f"{path[: -len(name)]}.wh.{name}"
        items[whiteout] = file(whiteout, 0)
        items = {kept: item for kept, item in items.items() if not _is_hidden(kept, path)}
    return [items[path] for path in sorted(items)]


def _is_hidden(name: str, removed: str) -> bool:
    return name.startswith(f"{removed}/")


def test_the_task_that_writes_what_another_removes_is_to_blame() -> None:
    found = _waste(
        ("base", _manifest({"etc": Entry("directory", 0o755, 0, 0)})),
        ("install", _manifest({"work/cache": _file(900)})),
        ("clean", _manifest({}, ("work/cache",))),
        workspace="work",
    )
    assert (found.bytes, found.count, found.by_layer) == (900, 1, ((1, 900),))
    path = found.paths[0]
    assert (path.path, path.bytes, path.count, path.layers, path.blame) == ("work/cache", 900, 2, (1, 2), 1)
    assert "`clean` removes it only later: remove it in `install`" in path.advice
    assert "outputs: {filesystem: {filter: {workspace: ['!cache']}}}" in path.advice


@pytest.mark.parametrize(
    "path, lower, upper, advice",
    [
        ("opt/x", ("one", _file(9)), ("two", _file(9, mode=0o755)), "`two` changes only its mode"),
        ("opt/x", ("one", _file(9)), ("two", _file(8)), "write it once, in `two`"),
        ("opt/x", ("base", _file(9)), ("two", _file(8)), "begin with a base without it"),
        ("opt/x", ("base", _file(9)), ("two", _file(9, mode=0o600)), "copies it out of the base"),
        ("var/lib/apt/lists/x", ("one", _file(9)), ("two", _file(8)), "`rm -rf /var/lib/apt/lists/*`"),
        ("var/lib/apt/lists/x", ("one", _file(9)), ("two", _file(8)), "system: ['!/var/lib/apt/lists/x']"),
        ("var/lib/dpkg/status", ("one", _file(9)), ("two", _file(8)), "install in one step"),
        ("w/__pycache__/a.pyc", ("one", _file(9)), ("two", _file(8)), "compiled Python"),
    ],
)
def test_advice_fits_what_happened(
    path: str, lower: tuple[str, Entry], upper: tuple[str, Entry], advice: str
) -> None:
    layers = [(name, _manifest({path: entry})) for name, entry in (lower, upper)]
    assert advice in _waste(*layers).paths[0].advice


def test_names_in_advice_cannot_move_a_terminal() -> None:
    layers = [
        (name, _manifest({"a\x1b[2J\udcff": _file(size)})) for name, size in (("one", 9), ("x\x1b]", 8))
    ]
    for path in _waste(*layers).paths:
        assert path.advice.isprintable()


def test_what_a_filter_leaves_out_is_written_as_a_definition_takes_it() -> None:
    path = "work/it's [1]*.log"
    layers = ("one", _manifest({path: _file(9)})), ("two", _manifest({}, (path,)))
    advice = _waste(*layers, workspace="work").paths[0].advice
    written = re.search("`(outputs: .*)`", advice)
    assert written is not None
    (entry,) = yaml.safe_load(written[1])["outputs"]["filesystem"]["filter"]["workspace"]
    kept = compile_patterns([(entry, True)])
    assert not kept.keeps("it's [1]*.log", is_directory=False)
    assert kept.keeps("it's 1x.log", is_directory=False)


def test_further_names_of_a_file_and_empty_stacks_waste_nothing() -> None:
    linked = LayerIndex.of(LayerManifest({"a": _file(9), "b": _file(9)}, links={"b": "a"}))
    assert figures_of([linked]).total_bytes == 9
    assert (figures_of([]).score, figures_of([]).bytes) == (1.0, 0)
