"""A directory of the file tree: how many rows it takes, and which pages of it are there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from engine.api.file_messages import FileRow

PAGE = 500  # rows


class Folder:
    """`place`: its own row in `parent`, from 0. `total`: how many entries it shows, None when not known yet.
    `page`: entries of a page.

    `entries` holds whole or partial pages by their number; `places` where the names of them are. `opened`
    are the places of the open directories in it, sorted.
    """

    __slots__ = (
        "_starts",
        "_sums",
        "depth",
        "entries",
        "extra",
        "is_open",
        "opened",
        "page",
        "parent",
        "path",
        "place",
        "places",
        "subfolders",
        "total",
    )

    def __init__(
        self, path: str, parent: Folder | None, place: int, total: int | None, page: int = PAGE
    ) -> None:
        self.path = path
        self.parent = parent
        self.place = place
        self.total = total
        self.page: int = page if parent is None else parent.page
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.is_open = parent is None
        self.extra = 0  # rows of the open directories in it
        self.entries: dict[int, list[FileRow | None]] = {}
        self.places: dict[str, int] = {}
        self.subfolders: dict[int, Folder] = {}
        self.opened: list[int] = []
        self._starts: list[int] | None = None
        self._sums: list[int] = []

    @property
    def size(self) -> int:
        """The rows it takes below its own when it is open."""
        return (self.total or 0) + self.extra

    def path_of(self, name: str) -> str:
        """The path of an entry of it."""
        return f"{self.path}/{name}" if self.path else name

    def entry(self, place: int) -> FileRow | None:
        """The entry at a place, if its page is there."""
        page = self.entries.get(place // self.page)
        return None if page is None else page[place % self.page]

    def add(self, place: int, path: str, total: int) -> Folder:
        """The directory at a place, closed."""
        folder = self.subfolders[place] = Folder(path, self, place, total)
        return folder

    def turn(self, is_open: bool) -> None:
        """Open or close it; not for the root."""
        parent = self.parent
        if parent is None or is_open == self.is_open:
            return
        self.is_open = is_open
        if is_open:
            insort(parent.opened, self.place)
        else:
            del parent.opened[bisect_left(parent.opened, self.place)]
        parent._grow(self.size if is_open else -self.size)

    def resize(self, total: int) -> None:
        """It shows so many entries; what was known of it is forgotten."""
        before = self.size
        self.total, self.extra = total, 0
        self.entries.clear()
        self.places.clear()
        self.subfolders.clear()
        self.opened.clear()
        self._starts = None
        if self.parent is not None and self.is_open:
            self.parent._grow(self.size - before)

    def _grow(self, rows: int) -> None:
        folder: Folder | None = self
        while folder is not None:
            folder.extra += rows
            folder._starts = None
            folder = folder.parent if folder.is_open else None

    def keep(self, offset: int, rows: tuple[FileRow, ...]) -> list[int]:
        """Take entries from `offset` on; the numbers of the pages that they belong to."""
        total, size = self.total or 0, self.page
        numbers = []
        for number in range(offset // size, (offset + len(rows) + size - 1) // size):
            start = number * size
            page = self.entries.get(number)
            if page is None:
                page = self.entries[number] = [None] * max(0, min(size, total - start))
            for place in range(max(start, offset), min(start + len(page), offset + len(rows))):
                page[place - start] = rows[place - offset]
                self.places[rows[place - offset].name] = place
            numbers.append(number)
        return numbers

    def drop(self, number: int) -> None:
        """Forget a page; which directories of it are open stays known."""
        for entry in self.entries.pop(number, ()):
            if entry is not None:
                self.places.pop(entry.name, None)

    def at(self, row: int) -> tuple[Folder, int]:
        """The directory and the place in it of a row below this directory, from 0."""
        folder = self
        while True:
            starts = folder._begins()
            number = bisect_right(starts, row) - 1
            if number < 0:
                return folder, row
            inner = folder.subfolders[folder.opened[number]]
            if row >= starts[number] + inner.size:
                return folder, row - folder._sums[number] - inner.size
            row -= starts[number]
            folder = inner

    def row_of(self, place: int) -> int | None:
        """The row of a place, counted from the root; None when a directory around it is closed."""
        row = place + self._rows_before(place)
        folder = self
        while folder.parent is not None:
            if not folder.is_open:
                return None
            row += folder.place + 1 + folder.parent._rows_before(folder.place)
            folder = folder.parent
        return row

    def _rows_before(self, place: int) -> int:
        """The rows of open directories that come before the row of a place."""
        self._begins()
        number = bisect_left(self.opened, place)
        return self._sums[number]

    def _begins(self) -> list[int]:
        """For each open directory its first row."""
        if self._starts is None:
            starts, sums, sum_ = [], [0], 0
            for place in self.opened:
                starts.append(place + 1 + sum_)
                sum_ += self.subfolders[place].size
                sums.append(sum_)
            self._starts, self._sums = starts, sums
        return self._starts
