"""What the engine says about files, made of places and their states; everything here blocks, for threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from threading import Lock
from weakref import WeakKeyDictionary

import msgspec

from engine.api.file_messages import (
    FileChange,
    FileChanges,
    FileDetails,
    FilePage,
    FoundName,
    FoundNames,
    Order,
    PlaceChoice,
    PlaceDetails,
    Waste,
)
from engine.api.file_values import (
    attribute_text,
    counts_of,
    file_row,
    place_details,
    row_at,
    waste_message,
)
from engine.api.place_choices import place_choices
from engine.explain import printable
from engine.inspection.contents import Opened
from engine.inspection.line_search import LineSearch
from engine.inspection.place import NotFound, Place, PlaceState
from engine.inspection.places import Places
from engine.inspection.search_messages import Search, SearchedFile
from engine.inspection.state_files import StateFile, all_below, searched_files, shown_below
from engine.inspection.tar_stream import tar
from engine.layer_files.changes import changes_between
from engine.layer_files.names import to_wire
from engine.layer_files.search import NameMatch
from engine.layer_files.view import View
from engine.store.store import Store

_VIEWS_KEPT = 5
_MOST_LINKS = 100
_CONTENT = frozenset(("added", "changed"))
_PRESENT_CHANGES = _CONTENT | {"metadata"}
_PRESENT = _PRESENT_CHANGES | {"unchanged"}
_CHANGES = _PRESENT_CHANGES | {"removed"}


class PageQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of `/v1/files`, as `engine.api.files_client.FilesClient.page`."""

    state: str
    before: str | None
    path: str
    offset: int
    limit: int
    order: Order
    descending: bool
    changes: frozenset[str] | None
    name: str
    around: str | None


class FileAnswers:
    """Answers of the engine about files. Errors are those of `Places`, and UsageError."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places
        self._views: OrderedDict[tuple[object, ...], View] = OrderedDict()
        self._details: WeakKeyDictionary[Place, PlaceDetails] = WeakKeyDictionary()
        self._wastes: WeakKeyDictionary[Place, Waste] = WeakKeyDictionary()
        self._lock = Lock()

    def place(self, text: str, *, counts: bool = True) -> PlaceDetails:
        """`/v1/place`; without `counts` they are told only where they are known already."""
        place = self._places.place(text)
        with self._lock:
            details = self._details.get(place)
        if details is None or (counts and not details.is_counted):
            counted = counts_of(place) if counts else None
            with place.lock:
                details = place_details(place, counted)
            with self._lock:
                self._details[place] = details
        return details

    def page(self, question: PageQuestion) -> FilePage:
        """`/v1/files`."""
        after, before = self._compared(question.state, question.before)
        names = NameMatch(question.name, ignore_case=True) if question.name else None
        view = self._view(after, before, question.changes, names, question.order, question.descending)
        with locked(after, before):
            if view.row(question.path) is None and question.path:
                raise _nothing(question.path, after)
            page = view.page(question.path, question.offset, max(1, question.limit), question.around)
        return FilePage(
            path=to_wire(page.path),
            total=page.total,
            offset=page.offset,
            rows=tuple(file_row(row) for row in page.rows[: question.limit]),
            bytes=page.bytes,
            counts=page.counts,
            matches=page.matches,
        )

    def file(self, state: str, other: str | None, path: str) -> FileDetails:
        """`/v1/file`."""
        after, before = self._compared(state, other)
        with locked(after, before):
            new, old = after.state.entry(path), before.state.entry(path)
            if new is None and old is None:
                raise _nothing(path, after)
            row = self._view(after, before).row(path) if new is not None else None
            row_before = self._view(before, before).row(path) if old is not None else None
            layer = after.state.layer_of(path)
            shown, led_to = (new, after) if new is not None else (old, before)
            resolved = led_to.state.resolve(path)
            links = () if layer is None else after.place.indexes[layer].links_of(path)
        assert shown is not None
        return FileDetails(
            path=to_wire(path),
            row=None if row is None else file_row(row),
            before=None if row_before is None else file_row(row_before),
            digest="" if new is None else new.digest,
            before_digest="" if old is None else old.digest,
            xattrs=tuple((to_wire(name), attribute_text(value)) for name, value in shown.xattrs),
            links=tuple(to_wire(link) for link in links[:_MOST_LINKS]),
            resolved=None if resolved is None else to_wire(resolved),
            layer_name="" if layer is None else to_wire(after.place.layers[layer].name),
        )

    def content(self, state: str, path: str) -> Opened:
        """`/v1/file/content`; to be closed."""
        location, size = self._places.state(state).located(path)
        return self._places.contents.open(location, size)

    def changes(self, state: str, other: str | None, path: str, offset: int, limit: int) -> FileChanges:
        """`/v1/changes`."""
        after, before = self._compared(state, other)
        with locked(after, before):
            if after.state.entry(path) is None and before.state.entry(path) is None and path:
                raise _nothing(path, after)
            view = self._view(after, before, changes=_CHANGES)
            unfiltered = self._view(after, before)
            alone = self._view(before, before)
            found = tuple(
                FileChange(
                    to_wire(place.path),
                    place.change,
                    row_at(alone, place.path, place.before, None),
                    row_at(unfiltered, place.path, place.after, place.change),
                )
                for place in islice(view.walk(path, offset), limit)
                if place.change is not None  # the view shows nothing else
            )
            counts = unfiltered.found.counts_of(before.state.place(path)[1], after.state.place(path)[1])
        return FileChanges(offset=offset, changes=found, counts=counts)

    def names(
        self,
        state: str,
        other: str | None,
        pattern: str,
        offset: int,
        limit: int,
        *,
        is_regex: bool,
        ignore_case: bool,
    ) -> FoundNames:
        """`/v1/names`."""
        if is_regex:
            LineSearch(pattern, is_regex=True, ignore_case=ignore_case)  # it refuses what could take forever
        after, before = self._compared(state, other)
        names = NameMatch(pattern, is_regex=is_regex, ignore_case=ignore_case)
        view = self._view(after, before, changes=_PRESENT, names=names)
        with locked(after, before):
            found = []
            for place in islice(view.walk("", offset), limit):
                assert place.after is not None
                entry = after.state.layers[place.after[0]].entry_at(place.after[1])
                found.append(FoundName(to_wire(place.path), entry.kind, entry.size, place.change))
            total = view.count()
        return FoundNames(offset=offset, total=total, found=tuple(found))

    def search(
        self,
        state: str,
        other: str | None,
        path: str,
        pattern: str,
        *,
        is_regex: bool,
        ignore_case: bool,
        changed_only: bool,
    ) -> tuple[Search, Iterator[SearchedFile]]:
        """`/v1/contents`: what to look for, and the files in which to look."""
        LineSearch(pattern, is_regex=is_regex, ignore_case=ignore_case)
        after, before = self._compared(state, other)
        with locked(after, before):
            if after.state.entry(path) is None:
                raise _nothing(path, after)
            count = after.state.total(path).entries + 1
            view = self._view(after, before, changes=_CONTENT) if changed_only else None
            if view is not None:
                count = view.count(path)
        found = self._walked(after, before, view, path)
        order = Search(
            root=self._store.root,
            pattern=pattern,
            is_regex=is_regex,
            ignore_case=ignore_case,
            files_in_all=count,
        )
        return order, searched_files(after, found)

    def tar(self, state: str, other: str | None, path: str, *, changed_only: bool) -> Iterator[bytes]:
        """`/v1/tar`: of a directory all below `.`, of anything else one member."""
        after, before = self._compared(state, other)
        with locked(after, before):
            entry = after.state.entry(path)
            if entry is None:
                raise _nothing(path, after)
            view = self._view(after, before, changes=_PRESENT_CHANGES) if changed_only else None
        files = self._walked(after, before, view, path)
        return tar(files, path, lambda file: self._opened(after.place, file))

    def waste(self, text: str) -> Waste:
        """`/v1/waste`."""
        place = self._places.place(text)
        with self._lock:
            found = self._wastes.get(place)
        if found is None:
            found = waste_message(place)
            with self._lock:
                self._wastes[place] = found
        return found

    def choices(self, run: str | None, task: str | None) -> list[PlaceChoice]:
        """`/v1/choices`."""
        return place_choices(self._store, self._places, run, task)

    def _opened(self, place: Place, file: StateFile) -> Opened:
        return self._places.contents.open(place.locate(file.layer, file.path), file.entry.size)

    def _walked(
        self, after: PlaceState, before: PlaceState, view: View | None, path: str
    ) -> Iterator[StateFile]:
        """What is at a path and below it, all or what the view shows."""
        if view is None:
            return all_below(after, path)
        return shown_below(after, view, lambda: locked(after, before), path)

    def _compared(self, state: str, other: str | None) -> tuple[PlaceState, PlaceState]:
        """The state and what it is compared with, the one below by default."""
        after = self._places.state(state)
        return after, after.below if other is None else self._places.state(other)

    def _view(
        self,
        after: PlaceState,
        before: PlaceState,
        changes: frozenset[str] | None = None,
        names: NameMatch | None = None,
        order: Order = "name",
        descending: bool = False,
    ) -> View:
        """A view as it was made before, or a new one.

        It is made while nobody waits for it: of what is shared only the comparison needs the places locked.
        """
        key = (after.place, after.position, before.place, before.position, changes, names, order, descending)
        with self._lock:
            view = self._views.get(key)
        if view is None:
            with locked(after, before):
                new, old = after.state, before.state
                changes_between(old, new)
            view = View(new, old, changes=changes, names=names, order=order, descending=descending)
        with self._lock:
            self._views[key] = view
            self._views.move_to_end(key)
            while len(self._views) > _VIEWS_KEPT:
                self._views.popitem(last=False)
        return view


@contextmanager
def locked(*states: PlaceState) -> Iterator[None]:
    """While this lasts nobody else looks at these places; always in the same order, so that none waits for
    another that waits for it."""
    places = {state.place.name: state.place for state in states}
    with ExitStack() as stack:
        for name in sorted(places):
            stack.enter_context(places[name].lock)
        yield


def _nothing(path: str, state: PlaceState) -> NotFound:
    return NotFound(f"there is no `{printable(path)}` in `{printable(state.name)}`")
