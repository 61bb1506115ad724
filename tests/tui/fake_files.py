"""Files in memory in place of an engine's: simple and slow, by `engine.file_tree.merge` and dictionaries."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Union

import msgspec

from engine.api.client import RefusedError
from engine.api.file_messages import (
    FileChange,
    FileChanges,
    FileDetails,
    FilePage,
    FileRow,
    FoundLine,
    FoundName,
    FoundNames,
    LayerSummary,
    Order,
    PlaceChoice,
    PlaceDetails,
    SearchProgress,
    Waste,
)
from engine.api.files_client import ROWS_AT_ONCE, ContentOverHttp, FilesClient, Found, Progress
from engine.api.messages import Refusal
from engine.file_tree import DIRECTORY, Entry, FileTree, LayerManifest, is_below, merge, parent_of, parents_of
from engine.layer_files.change_words import ChangeCounts, ChangeWord
from engine.layer_files.links import PathNotFound, resolved
from engine.past.file_changes import change_of
from engine.store.content_digest import digest_of

Content = Union[bytes, Entry, None]  # of a file; anything else; a directory


class FakeLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer and the bytes of its files."""

    summary: LayerSummary
    manifest: LayerManifest
    contents: dict[str, bytes]


def fake_layer(
    name: str,
    files: Mapping[str, Content],
    deleted: Sequence[str] = (),
    *,
    modes: Mapping[str, int] | None = None,
    result: str = "executed",
) -> FakeLayer:
    """`files`: path -> bytes of a file, None of a directory, or an `Entry`; parents make themselves.

    `modes`: of some of them. A symlink: `link("target")`.
    """
    entries: FileTree = {}
    contents: dict[str, bytes] = {}
    for path, content in files.items():
        if content is None:
            entry = Entry(DIRECTORY, 0o755, 0, 0)
        elif isinstance(content, bytes):
            entry = Entry("file", 0o644, 0, 0, len(content), digest_of(content), mtime_ns=10**18)
            contents[path] = content
        else:
            entry = content
        mode = (modes or {}).get(path)
        entries[path] = entry if mode is None else msgspec.structs.replace(entry, mode=mode)
    parents = {parent for path in (*entries, *deleted) for parent in parents_of(path)} - entries.keys()
    manifest = LayerManifest(
        dict(sorted(entries.items())),
        tuple(sorted(deleted)),
        {path: Entry(DIRECTORY, 0o755, 0, 0) for path in sorted(parents)},
    )
    summary = LayerSummary(
        position=0,
        digest=digest_of(msgspec.json.encode(sorted(entries))),
        name=name,
        bytes=sum(entry.size for entry in entries.values()),
        entries=len(entries),
        created_at=1.7e9,
        seconds=3.0,
        result=result,
        command=f"make {name}",
    )
    return FakeLayer(summary=summary, manifest=manifest, contents=contents)


def link(target: str) -> Entry:
    """A symlink."""
    return Entry("symlink", 0o777, 0, 0, target=target)


class FakeFiles(FilesClient):
    """Add places, then ask. `asked` lists every question as (name, its positional arguments).

    `wastes` and `given_choices` are answered as they are; with a `refusal` everything is refused.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.refusal: Refusal | None = None
        self.wastes: dict[str, Waste] = {}
        self.given_choices: list[PlaceChoice] = []
        self._places: dict[str, tuple[PlaceDetails, tuple[FakeLayer, ...]]] = {}
        self._trees: dict[str, FileTree] = {}

    def add(self, place: str, *layers: FakeLayer, title: str = "", own: bool = True) -> None:
        """A place of these layers, lowest first; the last is the task's own."""
        summaries = []
        for position, layer in enumerate(layers):
            before = merge(layer.manifest for layer in layers[:position])
            after = merge(layer.manifest for layer in layers[: position + 1])
            counts = _counted(change for _, change in _changed(before, after))
            summaries.append(msgspec.structs.replace(layer.summary, position=position, counts=counts))
        tree = merge(layer.manifest for layer in layers)
        details = PlaceDetails(
            place=place,
            title=title or place,
            layers=tuple(summaries),
            own=len(layers) - 1 if own else None,
            workspace="var/mint-workspace" if place.startswith("task:") else "",
            bytes=sum(entry.size for entry in tree.values()),
            entries=len(tree),
        )
        self._places[place] = details, layers
        self._trees = {state: tree for state, tree in self._trees.items() if state.partition("#")[0] != place}

    def place(self, place: str, *, counts: bool = True) -> PlaceDetails:
        self._ask("place", place)
        return self._of(place)[0]

    def page(
        self,
        state: str,
        path: str = "",
        *,
        before: str | None = None,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
        order: Order = "name",
        descending: bool = False,
        changes: Collection[str] | None = None,
        name: str = "",
        around: str | None = None,
    ) -> FilePage:
        self._ask("page", state, path, before, offset, limit, order, descending, changes, name, around)
        view = _View(self, state, before, changes, name)
        if not view.has_directory(path):
            raise _not_found(path, state)
        rows = [view.row(child) for child in view.children(path)]
        if order == "size":
            rows.sort(key=lambda row: row.bytes, reverse=descending)
        elif order == "change":
            rows.sort(key=lambda row: (row.change is not None) + row.counts.total, reverse=descending)
        elif descending:
            rows.reverse()
        if around is not None:
            index = next((index for index, row in enumerate(rows) if row.name == around), 0)
            offset = index - index % max(1, limit)
        whole = view.row(path)
        return FilePage(
            path=path,
            total=len(rows),
            offset=offset,
            rows=tuple(rows[offset : offset + limit]),
            bytes=whole.bytes,
            counts=whole.counts,
            matches=view.matches,
        )

    def file(self, state: str, path: str, *, before: str | None = None) -> FileDetails:
        self._ask("file", state, path, before)
        view = _View(self, state, before, None, "")
        after, old = view.after.get(path), view.before.get(path)
        if after is None and old is None:
            raise _not_found(path, state)
        try:
            led_to = resolved((view.before if after is None else view.after).get, path)
        except PathNotFound:
            led_to = None
        position = view.layer_of(path)
        return FileDetails(
            path=path,
            row=None if after is None else view.row(path),
            before=None if old is None else view.row_before(path),
            digest="" if after is None else after.digest,
            before_digest="" if old is None else old.digest,
            resolved=led_to,
            layer_name=self._of(state.partition("#")[0])[0].layers[position].name if position >= 0 else "",
        )

    def content(self, state: str, path: str) -> ContentOverHttp:
        self.asked.append(("content", state, path))

        def read() -> bytes:
            if self.refusal is not None:
                raise RefusedError(self.refusal)
            return self.bytes_of(state, path)

        return _MemoryContent(read)

    def changes(
        self,
        state: str,
        path: str = "",
        *,
        before: str | None = None,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
    ) -> FileChanges:
        self._ask("changes", state, path, before, offset, limit)
        view = _View(self, state, before, None, "")
        found = [
            (name, change)
            for name, change in _changed(view.before, view.after)
            if name == path or is_below(name, path)
        ]
        return FileChanges(
            offset=offset,
            changes=tuple(
                FileChange(
                    name,
                    change,
                    view.row_before(name) if name in view.before else None,
                    view.row(name) if name in view.after else None,
                )
                for name, change in found[offset : offset + limit]
            ),
            counts=_counted(change for _, change in found),
        )

    def names(
        self,
        state: str,
        pattern: str,
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
    ) -> FoundNames:
        self._ask("names", state, pattern, before, is_regex, ignore_case)
        view = _View(self, state, before, None, "")
        matches = _matcher(pattern, is_regex=is_regex, ignore_case=ignore_case)
        found = [
            FoundName(path, entry.kind, entry.size, change_of(view.before.get(path), entry))
            for path, entry in sorted(view.after.items())
            if path and matches(path)
        ]
        return FoundNames(offset=offset, total=len(found), found=tuple(found[offset : offset + limit]))

    def contents(
        self,
        state: str,
        pattern: str,
        path: str = "",
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        changed_only: bool = False,
    ) -> Iterator[Found]:
        self._ask("contents", state, pattern, path)
        view = _View(self, state, before, None, "")
        text = re.compile(pattern if is_regex else re.escape(pattern), re.IGNORECASE if ignore_case else 0)
        files = [
            name
            for name, entry in sorted(view.after.items())
            if entry.kind == "file"
            and (name == path or is_below(name, path))
            and not (changed_only and view.change(name) is None)
        ]
        found = size = 0
        for name in files:
            data = self.bytes_of(state, name)
            size += len(data)
            for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
                if text.search(line):
                    found += 1
                    yield FoundLine(path=name, number=number, text=line)
        yield SearchProgress(files=len(files), files_in_all=len(files), bytes=size, found=found, done=True)

    def waste(self, place: str) -> Waste:
        self._ask("waste", place)
        self._of(place)
        empty = Waste(score=1.0, bytes=0, user_bytes=0, count=0, paths=())
        return self.wastes.get(place, empty)

    def choices(self, run: str | None = None, task: str | None = None) -> Sequence[PlaceChoice]:
        self._ask("choices", run, task)
        if self.given_choices:
            return self.given_choices
        return [PlaceChoice(place=place, title=details.title) for place, (details, _) in self._places.items()]

    def export(
        self,
        state: str,
        path: str,
        destination: str,
        progress: Progress | None = None,
        *,
        before: str | None = None,
        changed_only: bool = False,
    ) -> tuple[str, ...]:
        self._ask("export", state, path, destination, before, changed_only)
        if progress is not None:
            progress(1, 1)
        return ()

    def tree(self, state: str) -> FileTree:
        """All that is in a state."""
        if state not in self._trees:
            place, _, position = state.partition("#")
            layers = self._of(place)[1]
            shown = layers if not position else layers[: int(position) + 1]
            self._trees[state] = merge(layer.manifest for layer in shown)
        return self._trees[state]

    def has_directory(self, state: str, path: str) -> bool:
        """Whether a state has a directory there."""
        entry = self.tree(state).get(path)
        return not path or (entry is not None and entry.kind == DIRECTORY)

    def layers(self, state: str) -> tuple[FakeLayer, ...]:
        """The layers of a state, lowest first."""
        place, _, position = state.partition("#")
        layers = self._of(place)[1]
        return layers if not position else layers[: int(position) + 1]

    def bytes_of(self, state: str, path: str) -> bytes:
        """The content of a file."""
        entry = self.tree(state).get(path)
        if entry is None or entry.kind != "file":
            raise _not_found(path, state)
        for layer in reversed(self.layers(state)):
            if path in layer.contents:
                return layer.contents[path]
        return b""

    def _of(self, place: str) -> tuple[PlaceDetails, tuple[FakeLayer, ...]]:
        if place not in self._places:
            raise RefusedError(Refusal(kind="not_found", message=f"there is no `{place}`"))
        return self._places[place]

    def _ask(self, *what: object) -> None:
        self.asked.append(what)
        if self.refusal is not None:
            raise RefusedError(self.refusal)


class _View:
    """A state against another, with what is filtered away left out."""

    def __init__(
        self, files: FakeFiles, state: str, before: str | None, changes: Collection[str] | None, name: str
    ) -> None:
        self._files, self._state = files, state
        self.layers = files.layers(state)
        place = state.partition("#")[0]
        below = f"{place}#{max(len(self.layers) - 2, -1)}"
        self._state_before = below if before is None else before
        self.after = files.tree(state)
        self.before = {} if self._state_before.endswith("#-1") else files.tree(self._state_before)
        is_shown = _matcher(name, is_regex=False, ignore_case=True)
        removed = self.before.keys() - self.after.keys()
        paths = {path for path in (*self.after, *removed) if path}
        shown = {
            path
            for path in paths
            if (changes is None or (self.change(path) or "unchanged") in changes)
            and (not name or is_shown(path))
        }
        self.matches = len(shown) if name else None
        self._shown = shown | {parent for path in shown for parent in parents_of(path)} | {""}
        self._children: dict[str, list[str]] = {}
        for path in sorted(self._shown):
            if path:
                self._children.setdefault(parent_of(path), []).append(path)

    def change(self, path: str) -> ChangeWord | None:
        return change_of(self.before.get(path), self.after.get(path))

    def has_directory(self, path: str) -> bool:
        entries = (self.after.get(path), self.before.get(path))
        return not path or any(entry is not None and entry.kind == DIRECTORY for entry in entries)

    def children(self, path: str) -> list[str]:
        return self._children.get(path, [])

    def layer_of(self, path: str) -> int:
        layers = self.layers if path in self.after else self._files.layers(self._state_before)
        for position in reversed(range(len(layers))):
            manifest = layers[position].manifest
            if path in manifest.entries or path in manifest.passed:
                return position
        return -1

    def row(self, path: str) -> FileRow:
        entry = self.after.get(path) or self.before.get(path) or Entry(DIRECTORY, 0o755, 0, 0)
        tree = self.after if path in self.after or not path else self.before
        below = {name for name in (*self.after, *self.before) if is_below(name, path)}
        return FileRow(
            name=path.rpartition("/")[2],
            kind=entry.kind,
            mode=entry.mode,
            uid=entry.uid,
            gid=entry.gid,
            bytes=entry.size + sum(tree[name].size for name in below if name in tree),
            layer=self.layer_of(path),
            change=self.change(path) if path else None,
            children=len(self.children(path)),
            counts=_counted(change for name in below if (change := self.change(name)) is not None),
            target=entry.target,
            mtime=entry.mtime_ns / 1e9,
        )

    def row_before(self, path: str) -> FileRow:
        return _View(self._files, self._state_before, self._state_before, None, "").row(path)


class _MemoryContent(ContentOverHttp):
    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read

    def size(self) -> int:
        return len(self._data())

    def read(self, offset: int, length: int) -> bytes:
        return self._data()[offset : offset + length]

    def _data(self) -> bytes:
        try:
            return self._read()
        except RefusedError as error:
            raise OSError(error.message) from error


def _changed(before: FileTree, after: FileTree) -> Iterator[tuple[str, ChangeWord]]:
    for path in sorted(before.keys() | after.keys()):
        change = change_of(before.get(path), after.get(path))
        if change is not None and path:
            yield path, change


def _counted(changes: Iterator[ChangeWord]) -> ChangeCounts:
    found = list(changes)
    return ChangeCounts(
        found.count("added"), found.count("changed"), found.count("removed"), found.count("metadata")
    )


def _matcher(pattern: str, *, is_regex: bool, ignore_case: bool) -> _Matcher:
    return _Matcher(
        re.compile(pattern if is_regex else re.escape(pattern), re.IGNORECASE if ignore_case else 0),
        whole="/" in pattern,
    )


class _Matcher:
    def __init__(self, pattern: re.Pattern[str], *, whole: bool) -> None:
        self._pattern, self._whole = pattern, whole

    def __call__(self, path: str) -> bool:
        return self._pattern.search(path if self._whole else path.rpartition("/")[2]) is not None


def _not_found(path: str, state: str) -> RefusedError:
    return RefusedError(Refusal(kind="not_found", message=f"there is no `{path}` in `{state}`"))
