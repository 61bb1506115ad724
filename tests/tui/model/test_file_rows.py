"""The rows of a tree of files are those of the whole tree flattened, however its pages come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.file_messages import FilePage, FileRow
from tui.model.file_rows import FileRows, PageWanted, TreeRow

Tree = dict[str, Union["Tree", int]]
PAGE = 3

NAMES = st.sampled_from("abcdefg")
TREES: st.SearchStrategy[Tree] = st.dictionaries(
    NAMES,
    st.recursive(st.integers(0, 9), lambda below: st.dictionaries(NAMES, below, max_size=7), max_leaves=40),
    max_size=7,
)


class Source:
    """A tree in memory, in one of two orders; `hidden` names are filtered away."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.is_reversed = False
        self.hidden = ""

    def rows(self, path: str) -> list[FileRow] | None:
        """The entries of a directory; None when there is no such one."""
        below: Tree | int = self.tree
        for name in path.split("/") if path else ():
            if not isinstance(below, dict) or name not in below or name in self.hidden:
                return None
            below = below[name]
        if not isinstance(below, dict):
            return None
        names = sorted(set(below) - set(self.hidden), reverse=self.is_reversed)
        return [_row(name, below[name], self.hidden) for name in names]

    def page(self, wanted: PageWanted) -> FilePage:
        rows = self.rows(wanted.path) or []
        offset = wanted.offset
        if wanted.around is not None:
            place = next((place for place, row in enumerate(rows) if row.name == wanted.around), 0)
            offset = place - place % wanted.limit
        part = tuple(rows[offset : offset + wanted.limit])
        return FilePage(path=wanted.path, total=len(rows), offset=offset, rows=part, bytes=7)

    def flat(self, is_open: Callable[[str], bool], path: str = "") -> Iterator[tuple[int, str]]:
        """(depth, path) of every row."""
        for row in self.rows(path) or []:
            inner = f"{path}/{row.name}" if path else row.name
            yield inner.count("/"), inner
            if row.children and is_open(inner):
                yield from self.flat(is_open, inner)


def _row(name: str, content: Tree | int, hidden: str) -> FileRow:
    if isinstance(content, dict):
        return FileRow(name, "directory", 0o755, 0, 0, 0, 0, children=len(set(content) - set(hidden)))
    return FileRow(name, "file", 0o644, 0, 0, content, 0)


def big(count: int) -> Tree:
    return {f"{number:07}": 1 for number in range(count)}


def all_put(rows: FileRows, source: Source) -> FileRows:
    """Answer until nothing is wanted."""
    while wanted := rows.wanted(0, max(1, len(rows))):
        for page in wanted:
            rows.put(source.page(page), page)
    return rows


def listed(rows: FileRows) -> Sequence[object]:
    """(depth, path) of every row."""
    found = (rows.row(index) for index in range(len(rows)))
    return [(row.depth, row.path) for row in found]


def rows_of(tree: Tree, **options: int) -> tuple[FileRows, Source]:
    source = Source(tree)
    return all_put(FileRows(page=PAGE, **options), source), source


class Walk:
    """A model and beside it the same done plainly: what is open, and what was seen in this view."""

    def __init__(self, tree: Tree, kept: int) -> None:
        self.source = Source(tree)
        self.rows = FileRows(page=PAGE, kept=kept)
        self.asked: list[PageWanted] = []
        self.open: set[str] = set()
        self.seen: set[str] = set()
        self.cursor: str | None = None

    def is_open(self, path: str) -> bool:
        return path in self.open and path in self.seen

    def ask(self, at: int) -> None:
        self.asked += self.rows.wanted(at % max(1, len(self.rows)), 4)

    def answer(self, at: int) -> None:
        if not self.asked:
            return
        wanted = self.asked.pop(at % len(self.asked))
        page = self.source.page(wanted)
        self.rows.put(page, wanted)
        self.seen |= {f"{page.path}/{row.name}" if page.path else row.name for row in page.rows}

    def load(self, at: int) -> None:
        self.ask(at)
        while self.asked:
            self.answer(0)

    def toggle(self, at: int) -> None:
        if not len(self.rows):
            return
        row = self.rows.row(at % len(self.rows))
        if not self.rows.toggle(at % len(self.rows)):
            assert row.is_open is None
            return
        assert row.path is not None
        self.open ^= {row.path}
        if row.is_open and self.cursor is not None and self.cursor.startswith(f"{row.path}/"):
            self.cursor = row.path

    def collapse(self, _: int) -> None:
        self.rows.collapse_all()
        self.open.clear()
        if self.cursor is not None:
            self.cursor = self.cursor.partition("/")[0]

    def choose(self, at: int) -> None:
        if not len(self.rows) or self.rows.row(at % len(self.rows)).path is None:
            return
        self.rows.choose(at % len(self.rows))
        self.cursor = self.rows.row(at % len(self.rows)).path

    def reset(self, at: int) -> None:
        self.source.is_reversed ^= bool(at % 2)
        self.rows.reset()
        self.asked.clear()
        self.seen.clear()

    def check(self) -> None:
        known = self.rows.is_known
        expected = list(self.source.flat(self.is_open)) if known else []
        assert len(self.rows) == len(expected)
        for index, (depth, path) in enumerate(expected):
            row = self.rows.row(index)
            assert row.depth == depth
            assert row.folder == path.rpartition("/")[0]
            assert row.path in (path, None)
            assert row.is_open in (None, self.is_open(path))
            spot = self.rows.spot(index)
            assert spot is not None
            assert self.rows.index_of(spot) == index
        if self.cursor is not None and known and not self.rows.is_looking:
            assert expected[self.rows.cursor][1] == self.cursor


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["load"] * 3 + ["ask", "answer"] + ["toggle"] * 3 + ["choose", "collapse", "reset"]),
        st.integers(0, 20),
    ),
    min_size=10,
    max_size=60,
)


@given(TREES, STEPS, st.sampled_from([4, 1000]))
def test_rows_are_those_of_the_tree_flattened(tree: Tree, steps: list[tuple[str, int]], kept: int) -> None:
    walk = Walk(tree, kept)
    for step, at in steps:
        getattr(walk, step)(at)
        walk.check()
    if kept < 1000:
        return
    for _ in range(200):
        walk.ask(0)
        walk.asked += walk.rows.wanted(0, max(1, len(walk.rows)))
        if not walk.asked:
            break
        while walk.asked:
            walk.answer(0)
    walk.check()
    assert listed(walk.rows) == list(walk.source.flat(lambda path: path in walk.open))
    assert walk.cursor is None or walk.rows.cursor_path == walk.cursor


@given(TREES, st.data())
def test_a_path_is_found_wherever_it_is(tree: Tree, data: st.DataObject) -> None:
    source = Source(tree)
    paths = [path for _, path in source.flat(lambda path: True)]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    rows = FileRows(page=PAGE)
    rows.expand_to(path)
    all_put(rows, source)
    assert rows.cursor_path == path
    around = {path[:at] for at, character in enumerate(path) if character == "/"}
    assert listed(rows) == list(source.flat(lambda each: each in around))


@given(TREES, st.sets(NAMES, max_size=3))
def test_all_is_open_in_a_view_that_opens_all_until_it_is_closed(tree: Tree, hidden: set[str]) -> None:
    source = Source(tree)
    source.hidden = "".join(sorted(hidden))
    rows = FileRows(page=PAGE)
    rows.reset(opens_all=True)
    all_put(rows, source)
    assert listed(rows) == list(source.flat(lambda path: True))
    closed = next((index for index in range(len(rows)) if rows.row(index).is_open), None)
    if closed is not None:
        path = rows.row(closed).path
        rows.toggle(closed)
        assert listed(all_put(rows, source)) == list(source.flat(lambda each: each != path))
    rows.reset()
    assert listed(all_put(rows, source)) == list(source.flat(lambda path: False))


TREE: Tree = {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": {"g": 4}, "h": 5, "i": {}}


def test_rows_that_are_not_there_are_asked_for_once() -> None:
    rows, source = FileRows(page=500), Source(big(2000))
    first = rows.wanted(0, 20)
    assert first == [PageWanted(path="")]
    assert rows.wanted(0, 20) == []
    rows.put(source.page(first[0]), first[0])
    assert rows.wanted(0, 20) == []
    assert len(rows) == 2000
    assert rows.row(1499) == TreeRow(depth=0, folder="")
    assert rows.wanted(995, 20) == [PageWanted(path="", offset=500), PageWanted(path="", offset=1000)]


def test_only_so_many_pages_are_asked_for_at_a_time() -> None:
    rows, source = FileRows(page=PAGE), Source(big(300))
    rows.put(source.page(PageWanted(path="", limit=PAGE)))
    wanted = rows.wanted(0, 300)
    assert 1 < len(wanted) < 20
    assert rows.wanted(0, 300) == []
    rows.put(source.page(wanted[0]), wanted[0])
    assert len(rows.wanted(0, 300)) == 1


def scrolled(kept: int, stays: int) -> FileRows:
    """From the top to the bottom of thirty entries, while this row is drawn every time."""
    rows, source = FileRows(page=PAGE, kept=kept), Source(big(30))
    rows.put(source.page(PageWanted(path="", limit=PAGE)))
    for first in range(0, 30, PAGE):
        for page in rows.wanted(first, PAGE):
            rows.put(source.page(page), page)
        rows.row(stays)
    return rows


def test_pages_are_forgotten_where_nobody_looks_and_asked_for_again() -> None:
    rows = scrolled(kept=12, stays=29)
    assert [rows.row(index).row is not None for index in range(30)] == [False] * 18 + [True] * 12
    (page,) = rows.wanted(0, 3)
    rows.put(Source(big(30)).page(page), page)
    assert rows.row(0).path == "0000000"
    assert sum(rows.row(index).row is not None for index in range(30)) == 12


def test_what_is_in_sight_is_not_forgotten() -> None:
    assert scrolled(kept=12, stays=0).row(0).row is not None


def test_a_refused_page_says_why_and_is_not_asked_for_until_somebody_wants_it() -> None:
    rows, source = rows_of(TREE)
    rows.toggle(0)
    (page,) = rows.wanted(0, 10)
    rows.refuse(page, "the layer is gone")
    assert rows.row(1) == TreeRow(depth=1, folder="a", problem="the layer is gone")
    assert rows.wanted(0, 10) == []
    rows.ask_again()
    assert rows.wanted(0, 10) == [page]
    rows.put(source.page(page), page)
    assert rows.row(1).path == "a/b"


def test_a_place_that_cannot_be_read_is_a_problem_of_all() -> None:
    rows = FileRows()
    (page,) = rows.wanted(0, 10)
    rows.refuse(page, "no such run")
    assert rows.problem == "no such run"
    assert rows.wanted(0, 10) == []
    assert len(rows) == 0
    rows.reset()
    assert rows.problem == ""
    assert rows.wanted(0, 10) == [page]


def test_a_part_that_never_comes_is_not_asked_for_for_ever() -> None:
    rows, source = FileRows(page=PAGE), Source(big(9))
    rows.put(source.page(PageWanted(path="", limit=PAGE)))
    (page,) = rows.wanted(3, 3)
    rows.put(FilePage(path="", total=9, offset=3, rows=()), page)
    assert rows.wanted(3, 3) == []
    assert rows.row(3).problem


def test_another_number_of_entries_begins_the_directory_anew() -> None:
    rows, source = rows_of({"a": {"b": {"c": 1}, "d": 2}, "e": 3})
    rows.toggle(0)
    all_put(rows, source)
    rows.toggle(1)
    all_put(rows, source)
    rows.choose(2)
    assert rows.cursor_path == "a/b/c"
    source.tree = {"a": {"a": 1, "b": {"c": 1}, "d": 2}, "e": 3}
    page = PageWanted(path="a", limit=PAGE)
    rows.put(source.page(page), page)
    all_put(rows, source)
    assert [rows.row(index).path for index in range(len(rows))] == ["a", "a/a", "a/b", "a/b/c", "a/d", "e"]
    assert rows.cursor_path == "a/b/c"


def test_a_directory_without_entries_cannot_be_opened() -> None:
    rows, _ = rows_of(TREE)
    assert [rows.row(index).is_open for index in range(4)] == [False, False, None, None]
    assert not rows.toggle(3)


def test_what_is_open_in_a_closed_directory_is_open_when_it_opens_again() -> None:
    rows, source = rows_of(TREE)
    rows.toggle(0)
    all_put(rows, source)
    rows.toggle(1)
    all_put(rows, source)
    before = listed(rows)
    rows.toggle(0)
    assert len(rows) == 4
    rows.toggle(0)
    assert rows.wanted(0, 10) == []
    assert listed(rows) == before


def test_the_cursor_goes_out_of_a_directory_that_closes() -> None:
    rows, source = rows_of(TREE)
    rows.expand_to("a/b/d")
    all_put(rows, source)
    assert rows.cursor == 3
    rows.toggle(0)
    assert (rows.cursor, rows.cursor_path) == (0, "a")
    rows.reset()
    all_put(rows, source)
    assert rows.cursor_path == "a"


def test_the_cursor_stays_on_its_path_in_another_order() -> None:
    rows, source = rows_of(big(40))
    rows.choose(31)
    source.is_reversed = True
    rows.reset()
    assert rows.cursor == -1
    (page,) = rows.wanted(0, 5)
    assert page == PageWanted(path="", limit=PAGE, around="0000031")
    rows.put(source.page(page), page)
    all_put(rows, source)
    assert (rows.cursor, rows.cursor_path) == (8, "0000031")


def test_a_path_that_a_filter_hides_is_found_again_without_it() -> None:
    rows, source = rows_of({"a": {"b": 1, "c": 2}, "d": {"e": 3}})
    rows.expand_to("a/c")
    all_put(rows, source)
    source.hidden = "c"
    rows.reset()
    all_put(rows, source)
    assert rows.cursor_path == "a"
    source.hidden = "a"
    rows.reset()
    all_put(rows, source)
    assert rows.cursor_path == "d"
    source.hidden = ""
    rows.reset()
    all_put(rows, source)
    assert rows.cursor_path == "a/c"


def test_a_place_that_was_chosen_before_its_page_came_is_kept_by_its_path() -> None:
    rows, source = FileRows(page=PAGE), Source(big(30))
    rows.put(source.page(PageWanted(path="", limit=PAGE)))
    rows.choose(20)
    for page in rows.wanted(20, 1):
        rows.put(source.page(page), page)
    source.is_reversed = True
    rows.reset()
    all_put(rows, source)
    assert (rows.cursor, rows.cursor_path) == (9, "0000020")


def test_closing_all_while_a_path_is_looked_for_leaves_its_top() -> None:
    rows, source = rows_of(TREE)
    rows.expand_to("f/g")
    all_put(rows, source)
    rows.reset()
    rows.collapse_all()
    all_put(rows, source)
    assert rows.cursor_path == "f"
    assert len(rows) == 4


def test_another_place_begins_at_its_top_with_all_closed() -> None:
    rows, source = rows_of(TREE)
    rows.expand_to("a/b/d")
    all_put(rows, source)
    rows.reset(forgets=True)
    all_put(rows, source)
    assert [rows.row(index).path for index in range(len(rows))] == ["a", "f", "h", "i"]
    assert rows.cursor == 0


@pytest.mark.parametrize("path", ["nowhere", "a/nowhere/x", "h/x", "i/x", ""])
def test_a_path_that_is_not_there_leaves_the_nearest(path: str) -> None:
    rows, source = rows_of(TREE)
    rows.expand_to(path)
    all_put(rows, source)
    assert not rows.is_looking
    assert rows.cursor_path == (path.partition("/")[0] if path[:2] in ("a/", "h/", "i/") else "a")


def test_totals_are_those_of_the_root() -> None:
    rows, source = rows_of(TREE)
    rows.toggle(0)
    all_put(rows, source)
    assert (rows.bytes, rows.matches) == (7, None)


def test_a_million_entries_take_no_time() -> None:
    """A row is found without going through those before it: no page of the million is made here."""
    rows = FileRows()
    row = FileRow("x", "directory", 0o755, 0, 0, 0, 0, children=1_000_000)
    rows.put(FilePage(path="", total=3, offset=0, rows=(row,)))
    rows.toggle(0)
    assert len(rows) == 1_000_003
    assert [rows.row(index).depth for index in (0, 1, 1_000_000, 1_000_001)] == [0, 1, 1, 0]
    assert rows.wanted(777_001, 60) == [PageWanted(path="x", offset=777_000)]
