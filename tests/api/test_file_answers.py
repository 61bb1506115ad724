"""Answers about files, made of indexes: the same as those of the fake, which looks at every entry."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec
import pytest

from engine.api.file_answers import FileAnswers, PageQuestion
from engine.api.file_messages import FileDetails, FilePage, FileRow, Order
from engine.inspection.contents import Location
from engine.inspection.place import Place, PlaceLayer, PlaceState
from engine.inspection.places import Places
from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.layer_index import LayerIndex
from engine.store.store import Store
from tests.tui.fake_files import FakeFiles, FakeLayer, fake_layer, link

PLACE = "task:r/build"
LAYERS = (
    fake_layer(
        "base",
        {
            "etc/passwd": b"root\n",
            "etc/group": b"root\n",
            "bin": link("usr/bin"),
            "usr/bin/sh": b"\x7fELF",
            "usr/lib/a.so": b"a" * 500,
            "usr/lib/b.so": b"b" * 300,
            "tmp": None,
        },
        modes={"tmp": 0o1777},
    ),
    fake_layer(
        "deps",
        {
            "etc/passwd": b"root\nuser\n",
            "usr/lib/c.so": b"c" * 900,
            "opt": None,
            "opt/tool": b"#!/bin/sh\n",
            "usr/bin/sh": b"\x7fELF",
        },
        deleted=("usr/lib/a.so", "etc/group"),
        modes={"usr/bin/sh": 0o755},
    ),
    fake_layer(
        "build",
        {"usr/lib": b"a file now", "opt/out/x": b"x", "opt/out/y": b"yy", "dead": link("nowhere")},
        deleted=("usr/lib", "tmp"),
    ),
)
STATES = [f"{PLACE}#{position}" for position in (-1, 0, 1, 2)] + [PLACE]


class OnePlace(Places):
    """A place of layers in memory."""

    def __init__(self, layers: tuple[FakeLayer, ...]) -> None:
        names = tuple(PlaceLayer(digest=layer.summary.digest, name=layer.summary.name) for layer in layers)
        indexes = tuple(LayerIndex.of(layer.manifest) for layer in layers)
        self._only = Place(PLACE, "build", names, indexes, lambda position, path: Location(path))

    def state(self, text: str) -> PlaceState:
        position = text.partition("#")[2]
        return self._only.upto(int(position) if position else None)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> FileAnswers:
    return FileAnswers(Store(str(tmp_path_factory.mktemp("store")), True), OnePlace(LAYERS))


@pytest.fixture(scope="module")
def fake() -> FakeFiles:
    files = FakeFiles()
    files.add(PLACE, *LAYERS)
    return files


def alike(page: FilePage) -> object:
    """Without what the two tell apart on purpose: where directories on the way, and the root, come from."""
    rows = [
        msgspec.structs.replace(row, layer=0, mtime=0.0) if row.kind == "directory" else row
        for row in page.rows
    ]
    return page.total, page.offset, page.matches, rows


def test_a_place_tells_what_its_layers_change_once_that_was_counted(tmp_path: Path) -> None:
    answers = FileAnswers(Store(str(tmp_path), True), OnePlace(LAYERS))
    at_once = answers.place(PLACE, counts=False)
    assert (at_once.is_counted, [layer.counts.total for layer in at_once.layers]) == (False, [0, 0, 0])
    counted = answers.place(PLACE)
    assert counted.is_counted
    assert all(layer.counts.total for layer in counted.layers)
    assert [layer.name for layer in counted.layers] == [layer.name for layer in at_once.layers]
    assert answers.place(PLACE, counts=False) == counted


PATHS = ("", "usr", "usr/lib", "opt", "etc")
CHANGES: tuple[frozenset[str] | None, ...] = (
    None,
    frozenset({"added"}),
    frozenset({"changed", "metadata"}),
    frozenset({"removed"}),
    frozenset({"unchanged"}),
    frozenset(),
)


@pytest.mark.parametrize(("state", "before"), list(product(STATES, [None, *STATES])))
def test_pages_are_the_same(answers: FileAnswers, fake: FakeFiles, state: str, before: str | None) -> None:
    for changes, name, path in product(CHANGES, ("", "so", "LIB/", "nothing"), PATHS):
        present = fake.has_directory(state, path)
        if not present:
            continue
        expected = fake.page(state, path, before=before, changes=changes, name=name)
        found = answers.page(question(state, before, path, changes=changes, name=name))
        assert alike(found) == alike(expected), (changes, name, path)


def question(
    state: str,
    before: str | None,
    path: str,
    *,
    changes: frozenset[str] | None = None,
    name: str = "",
    order: Order = "name",
    descending: bool = False,
    offset: int = 0,
    limit: int = 500,
    around: str | None = None,
) -> PageQuestion:
    return PageQuestion(
        state=state,
        before=before,
        path=path,
        offset=offset,
        limit=limit,
        order=order,
        descending=descending,
        changes=changes,
        name=name,
        around=around,
    )


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["name", "size", "change"])
def test_orders_are_the_same(answers: FileAnswers, fake: FakeFiles, order: Order, descending: bool) -> None:
    for path in PATHS:
        if fake.has_directory(f"{PLACE}#1", path):
            expected = fake.page(f"{PLACE}#1", path, order=order, descending=descending)
            found = answers.page(question(f"{PLACE}#1", None, path, order=order, descending=descending))
            assert [row.name for row in found.rows] == [row.name for row in expected.rows]


def test_a_page_around_a_name_is_the_same(answers: FileAnswers, fake: FakeFiles) -> None:
    found = answers.page(question(f"{PLACE}#1", None, "usr/lib", limit=1, around="c.so"))
    assert alike(found) == alike(fake.page(f"{PLACE}#1", "usr/lib", limit=1, around="c.so"))
    assert [row.name for row in found.rows] == ["c.so"]


def test_changes_names_and_details_are_the_same(answers: FileAnswers, fake: FakeFiles) -> None:
    for state, before in product(STATES, STATES):
        mine = answers.changes(state, before, "", 0, 500)
        theirs = fake.changes(state, before=before)
        assert {(one.path, one.change) for one in mine.changes} == {
            (one.path, one.change) for one in theirs.changes
        }
        assert mine.counts == theirs.counts
        found = answers.names(state, before, "s", 0, 500, is_regex=False, ignore_case=True)
        assert set(found.found) == set(fake.names(state, "s", before=before).found)
    for path in ("etc/passwd", "bin", "dead", "usr/lib", "usr/lib/b.so", "tmp"):
        assert details(answers.file(PLACE, None, path)) == details(fake.file(PLACE, path))


def details(found: FileDetails) -> FileDetails:
    return msgspec.structs.replace(
        found, row=_row(found.row), before=_row(found.before), layer_name="", links=()
    )


def _row(row: FileRow | None) -> FileRow | None:
    return None if row is None else msgspec.structs.replace(row, layer=0, change=None, counts=ChangeCounts())
