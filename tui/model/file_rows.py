"""The rows of a tree of files: directories that are opened, over pages that come and go."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from engine.api.file_messages import FilePage, FileRow
from engine.layer_files.change_words import ChangeCounts
from tui.model.file_folder import PAGE, Folder

_KEPT = 40_000  # rows
_AT_ONCE = 8  # pages that are asked for at the same time
_DIRECTORY = "directory"


class PageWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the directory `path`; with `around`, a name in it, the part that holds the name."""

    path: str
    offset: int = 0
    limit: int = PAGE
    around: str | None = None


class TreeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row; `row` and `path` None while its page is not there, `problem` why it cannot be.

    `is_open` None where there is nothing to open.
    """

    depth: int
    folder: str
    path: str | None = None
    row: FileRow | None = None
    is_open: bool | None = None
    problem: str = ""


class Spot(msgspec.Struct, frozen=True):
    """Where a row is, whatever is opened before it."""

    folder: Folder
    place: int


class FileRows:
    """Rows are counted from 0. Ask `wanted` for the rows to be drawn, and answer each of its questions
    once, with `put` or `refuse`; after that, ask again.
    """

    def __init__(self, *, kept: int = _KEPT, page: int = PAGE) -> None:
        self._kept = kept
        self._page = page
        self._open: set[str] = set()
        self._closed: set[str] = set()
        self._opens_all = False
        self._wish: str | None = None  # the path that was chosen
        self._fallback = 0  # the row for the cursor where no path decides
        self._begin()

    def _begin(self) -> None:
        self._root = Folder("", None, 0, None, self._page)
        self._folders: dict[str, Folder] = {"": self._root}
        self._pages: OrderedDict[tuple[str, int], int] = OrderedDict()  # those kept, the oldest first
        self._rows_kept = 0
        self._asked: set[PageWanted] = set()
        self._problems: dict[tuple[str, int], str] = {}
        self._cursor: Spot | None = None
        self._is_blind = False  # the chosen row has no path yet
        self._sought: str | None = None
        self._question: PageWanted | None = None  # where the sought path is
        self.bytes = 0
        self.counts = ChangeCounts()
        self.matches: int | None = None

    # The view

    def reset(self, *, opens_all: bool = False, forgets: bool = False) -> None:
        """Another view: all pages are gone. What is open and chosen stays so by its path, unless `forgets`.

        `opens_all`: a directory is open unless the user closes it.
        """
        before = self.cursor
        self._opens_all = opens_all
        self._closed.clear()
        if forgets:
            self._open.clear()
            self._wish = None
        self._begin()
        self._fallback = 0 if forgets else max(0, before)
        self._sought = self._wish
        self._look(None)

    @property
    def is_known(self) -> bool:
        """Whether the first page has come."""
        return self._root.total is not None

    @property
    def problem(self) -> str:
        """Why there is nothing at all."""
        return "" if self.is_known else self._problems.get(("", 0), "")

    def __len__(self) -> int:
        return self._root.size

    # Pages

    def wanted(self, first: int, count: int) -> list[PageWanted]:
        """The pages to ask for, so that these rows are there; each is named until it is answered once."""
        found: list[PageWanted] = []
        if self._question is not None:
            self._ask(self._question, found)
        if self._root.total is None:
            if self._question is None and ("", 0) not in self._problems:
                self._ask(PageWanted(path="", limit=self._page), found)
            return found
        for index in range(max(0, first), min(len(self), first + count)):
            folder, place = self._root.at(index)
            if folder.entry(place) is None and (folder.path, place // self._page) not in self._problems:
                self._ask(self._page_of(folder, place), found)
            if len(self._asked) >= _AT_ONCE:
                break
        return found

    def _page_of(self, folder: Folder, place: int) -> PageWanted:
        return PageWanted(path=folder.path, offset=place - place % self._page, limit=self._page)

    def _ask(self, page: PageWanted, found: list[PageWanted]) -> None:
        if page not in self._asked:
            self._asked.add(page)
            found.append(page)

    def put(self, page: FilePage, asked: PageWanted | None = None) -> None:
        """Take a page; `asked`: the question that it answers."""
        self._answered(page.path, page.offset, asked)
        folder = self._folders.get(page.path)
        if folder is None:
            return
        if folder is self._root:
            self.bytes, self.counts, self.matches = page.bytes, page.counts, page.matches
        if folder.total != page.total:
            self._resize(folder, page.total)
        for number in folder.keep(page.offset, page.rows):
            self._problems.pop((folder.path, number), None)
            self._rows_kept -= self._pages.pop((folder.path, number), 0)
            self._pages[folder.path, number] = len(folder.entries[number])
            self._rows_kept += len(folder.entries[number])
        for place, row in enumerate(page.rows[: max(0, page.total - page.offset)], page.offset):
            if row.kind == _DIRECTORY and row.children:
                path = folder.path_of(row.name)
                if self._wants_open(path):
                    self._folder_at(folder, place, row).turn(True)
        if asked is not None and asked.around is None and not page.rows and asked.offset < page.total:
            self._problems[folder.path, asked.offset // self._page] = "the engine did not send this part"
        self._look(asked)
        if self._cursor is None and self._sought is None and len(self):
            self.cursor = self._fallback
        if self._is_blind and self.cursor_path is not None:
            self._wish, self._is_blind = self.cursor_path, False
        self._forget_oldest()

    def refuse(self, asked: PageWanted, message: str) -> None:
        """A page that cannot be had, and why."""
        self._asked.discard(asked)
        if asked.around is None:
            self._problems[asked.path, asked.offset // self._page] = message
        else:
            self._look(asked)

    def ask_again(self) -> None:
        """What was refused may be asked for once more."""
        self._problems.clear()

    def _answered(self, path: str, offset: int, asked: PageWanted | None) -> None:
        if asked is not None:
            self._asked.discard(asked)
        else:
            self._asked.discard(PageWanted(path=path, offset=offset, limit=self._page))

    def _resize(self, folder: Folder, total: int) -> None:
        """It is not what it was: what is known of it is no longer so."""
        for number in folder.entries:
            self._rows_kept -= self._pages.pop((folder.path, number), 0)
        cursor = self._cursor
        if cursor is not None and _is_in(cursor.folder, folder) and folder.total is not None:
            self._cursor = None
            self._sought = self._wish
            self._fallback = 0
        for path in [
            path for path, each in self._folders.items() if each is not folder and _is_in(each, folder)
        ]:
            self._drop_folder(path)
        folder.resize(total)

    def _drop_folder(self, path: str) -> None:
        for number in self._folders.pop(path).entries:
            self._rows_kept -= self._pages.pop((path, number), 0)

    def _forget_oldest(self) -> None:
        while self._rows_kept > self._kept and len(self._pages) > 1:
            (path, number), rows = self._pages.popitem(last=False)
            self._rows_kept -= rows
            self._folders[path].drop(number)

    # Rows

    def row(self, index: int) -> TreeRow:
        """The row of this number; IndexError when there is none."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        folder, place = self._root.at(index)
        row = folder.entry(place)
        if row is None:
            problem = self._problems.get((folder.path, place // self._page), "")
            return TreeRow(depth=folder.depth, folder=folder.path, problem=problem)
        self._pages.move_to_end((folder.path, place // self._page))
        is_open = None
        if row.kind == _DIRECTORY and row.children:
            below = folder.subfolders.get(place)
            is_open = below is not None and below.is_open
        return TreeRow(
            depth=folder.depth, folder=folder.path, path=folder.path_of(row.name), row=row, is_open=is_open
        )

    def spot(self, index: int) -> Spot | None:
        """Where a row is, to find it again when others have come before it."""
        return Spot(*self._root.at(index)) if 0 <= index < len(self) else None

    def index_of(self, spot: Spot) -> int | None:
        """The number of that row now; None when it is not shown."""
        is_there = self._folders.get(spot.folder.path) is spot.folder and spot.place < (
            spot.folder.total or 0
        )
        return spot.folder.row_of(spot.place) if is_there else None

    def folder_row(self, index: int) -> int | None:
        """The row of the directory that a row is in; None at the top."""
        folder, _ = self._root.at(index)
        return None if folder.parent is None else folder.parent.row_of(folder.place)

    # What is open

    def toggle(self, index: int) -> bool:
        """Open or close the directory of a row; False when there is nothing to open."""
        is_open = self.row(index).is_open
        if is_open is None:
            return False
        folder, place = self._root.at(index)
        row = folder.entry(place)
        assert row is not None
        self._turn(self._folder_at(folder, place, row), not is_open)
        return True

    def collapse_all(self) -> None:
        """Close all directories."""
        self._open.clear()
        self._closed.clear()
        self._opens_all = False
        for folder in sorted(self._folders.values(), key=lambda each: -each.depth):
            self._shut(folder)
        if self._wish is not None:
            self._wish = self._wish.partition("/")[0]
        if self._sought is not None:
            self._sought, self._question = self._sought.partition("/")[0], None
            self._look(None)

    def _turn(self, folder: Folder, is_open: bool) -> None:
        (self._open.add if is_open else self._open.discard)(folder.path)
        (self._closed.discard if is_open else self._closed.add)(folder.path)
        if is_open:
            folder.turn(True)
        else:
            self._shut(folder)

    def _shut(self, folder: Folder) -> None:
        """Close it; the cursor goes from what is in it to its own row."""
        if folder.parent is None or not folder.is_open:
            return
        folder.turn(False)
        if self._cursor is not None and _is_in(self._cursor.folder, folder):
            self._cursor = Spot(folder.parent, folder.place)
            self._wish, self._is_blind = folder.path, False
        inside = f"{folder.path}/"
        if self._wish is not None and self._wish.startswith(inside):
            self._wish = folder.path
        if self._sought is not None and self._sought.startswith(inside):
            self._sought, self._question = folder.path, None
            self._look(None)

    def _wants_open(self, path: str) -> bool:
        return path not in self._closed if self._opens_all else path in self._open

    def _folder_at(self, folder: Folder, place: int, row: FileRow) -> Folder:
        known = folder.subfolders.get(place)
        if known is None:
            path = folder.path_of(row.name)
            known = self._folders[path] = folder.add(place, path, row.children)
        return known

    # The cursor

    @property
    def cursor(self) -> int:
        """The row of the cursor, -1 when there is none; setting it is the user's choice."""
        found = None if self._cursor is None else self.index_of(self._cursor)
        return -1 if found is None else found

    @cursor.setter
    def cursor(self, index: int) -> None:
        self._cursor = self.spot(max(0, min(index, len(self) - 1)))

    def choose(self, index: int) -> None:
        """Put the cursor on a row, as the user's choice: it is found again in another view."""
        self._stop_looking()
        self.cursor = index
        self._is_blind = self.cursor_path is None
        self._wish = self.cursor_path or self._wish

    @property
    def cursor_path(self) -> str | None:
        """The path at the cursor; None without one, and while its page is not there."""
        spot = self._cursor
        row = None if spot is None else spot.folder.entry(spot.place)
        return None if spot is None or row is None else spot.folder.path_of(row.name)

    @property
    def is_looking(self) -> bool:
        """Whether a path is being looked for, so that the cursor will move by itself."""
        return self._sought is not None

    def expand_to(self, path: str) -> None:
        """Open what is around a path, and put the cursor on it as soon as its pages are there."""
        self._wish = self._sought = path
        self._fallback = max(0, self.cursor)
        self._look(None)

    def _stop_looking(self) -> None:
        self._sought = self._question = None

    def _look(self, answered: PageWanted | None) -> None:
        """Go from the root towards the path that is sought, as far as pages are there."""
        if self._sought is None:
            return
        folder = self._root
        names = self._sought.split("/") if self._sought else []
        for depth, name in enumerate(names):
            place = folder.places.get(name)
            row = None if place is None else folder.entry(place)
            if place is None or row is None:
                question = PageWanted(path=folder.path, limit=self._page, around=name)
                if answered == question:  # and it is not there
                    self._give_up(folder)
                else:
                    self._question = question
                return
            if depth == len(names) - 1:
                self._stop_looking()
                self._cursor = Spot(folder, place)
                return
            if row.kind != _DIRECTORY or not row.children:
                self._stop_looking()
                self._cursor = Spot(folder, place)
                return
            folder = self._folder_at(folder, place, row)
            self._turn(folder, True)
        self._give_up(folder)

    def _give_up(self, folder: Folder) -> None:
        """The path is not in this view: the nearest that is, is what remains."""
        self._stop_looking()
        if folder.parent is not None:
            self._cursor = Spot(folder.parent, folder.place)
        elif self.cursor < 0:
            self.cursor = self._fallback


def _is_in(folder: Folder, outer: Folder) -> bool:
    """Whether a directory is another one or below it."""
    inner: Folder | None = folder
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
