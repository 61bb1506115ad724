"""Whether a task that was executed twice from the same inputs gave the same, and where it did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from engine.explain import describe_entry, printable
from engine.file_tree import Entry, LayerManifest, is_below
from engine.inspection.contents import Contents, Location, Opened
from engine.inspection.differing_files import Differing, differing
from engine.inspection.random_names import name_hint, renamed
from engine.model.errors import StoreError
from engine.model.records import TaskRecord
from engine.past.file_changes import change_of
from engine.store.store import Store

_MOST_READ = 200  # files of which the contents are compared
_LONGEST = 200  # characters of a value


class Twice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs. `part`: `input`, `exit`, `file`, `artifact`, `value`, `variable`, `image` or
    `link`; `name`: a path, also below an artifact, or what else it is called.

    `change`: `added` (only the second time), `removed` (only the first), `changed` or `metadata`. `where`:
    the first place that differs, such as `line 3` or `member a.o`; `first` and `second` what is there.
    `hint`: the usual cause, and what helps.
    """

    part: str
    name: str
    change: str
    where: str = ""
    first: str | None = None
    second: str | None = None
    hint: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`runs`: the two runs. `exit_codes` of the script in each. Without differences it is deterministic."""

    task: str
    runs: tuple[str, str]
    exit_codes: tuple[int | None, int | None]
    differences: tuple[Twice, ...]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two."""

    run: str
    exit_code: int | None
    kept: TaskRecord


def compare(store: Store, first: Execution, second: Execution) -> Verdict:
    """What differs between two executions of a task; times of files never do. StoreError."""
    contents = Contents(store.root)
    try:
        found = _Comparison(store, contents, first, second).all()
    finally:
        contents.close()
    return Verdict(
        task=first.kept.task,
        runs=(first.run, second.run),
        exit_codes=(first.exit_code, second.exit_code),
        differences=tuple(found),
    )


class _Comparison:
    def __init__(self, store: Store, contents: Contents, first: Execution, second: Execution) -> None:
        self._store = store
        self._contents = contents
        self._first = first
        self._second = second
        self._left = _MOST_READ
        self._runs = (first.run, second.run)

    def all(self) -> Iterator[Twice]:
        one, other = self._first.kept, self._second.kept
        yield from self._inputs()
        if self._first.exit_code != self._second.exit_code:
            yield Twice(
                part="exit",
                name="exit status",
                change="changed",
                first=str(self._first.exit_code),
                second=str(self._second.exit_code),
            )
        yield from self._layers("file", "", one.own_layer, other.own_layer)
        for name in sorted(one.artifacts.keys() | other.artifacts.keys()):
            yield from self._artifact(name, one.artifacts.get(name), other.artifacts.get(name))
        yield from self._mapping("value", one.values, other.values)
        variables = [
            {item.name: item.value for item in kept.exports if item.in_cache_key} for kept in (one, other)
        ]
        yield from self._mapping("variable", *variables)
        yield from self._mapping("link", one.links, other.links)
        settings = [
            {name: repr(value) for name, value in msgspec.to_builtins(kept.image).items()}
            for kept in (one, other)
        ]
        yield from self._mapping("image", *settings)

    def _inputs(self) -> Iterator[Twice]:
        """A task that does not come from the cache may have changed the inputs in between."""
        before, after = self._first.kept.record, self._second.kept.record
        if before is None or after is None or before == after:
            return
        for name in ("script", "environment", "workspace", "system", "artifacts"):
            if getattr(before, name) != getattr(after, name):
                hint = "a task before it, or a file, has changed meanwhile: the two can't be compared safely"
                yield Twice(part="input", name=name, change="changed", hint=hint)

    def _artifact(self, name: str, first: str | None, second: str | None) -> Iterator[Twice]:
        if first is None or second is None:
            change = "added" if first is None else "removed"
            yield Twice(part="artifact", name=printable(name), change=change)
            return
        yield from self._layers("artifact", name, first, second)

    def _layers(self, part: str, name: str, first: str | None, second: str | None) -> Iterator[Twice]:
        if first == second:
            return
        before, after = self._manifest(first), self._manifest(second)
        paths = [
            path
            for path in sorted(before.entries.keys() | after.entries.keys())
            if change_of(before.entries.get(path), after.entries.get(path)) is not None
        ]
        partners = renamed(paths, before.entries, after.entries)
        for path in paths:
            shown = printable(self._shown(part, name, path))
            old, new = before.entries.get(path), after.entries.get(path)
            if path in partners.values():
                continue
            if path in partners:
                yield Twice(
                    part=part,
                    name=shown,
                    change="changed",
                    where="name",
                    first=printable(self._shown(part, name, path)),
                    second=printable(self._shown(part, name, partners[path])),
                    hint=name_hint(path, partners[path]),
                )
                continue
            yield self._entry(part, shown, path, (first, old), (second, new))
        for gone in sorted({*before.deleted, *before.emptied} ^ {*after.deleted, *after.emptied}):
            when = "first" if gone in (*before.deleted, *before.emptied) else "second"
            yield Twice(
                part=part,
                name=printable(self._shown(part, name, gone)),
                change="changed",
                where=f"deleted only the {when} time",
            )

    def _entry(
        self,
        part: str,
        shown: str,
        path: str,
        first: tuple[str | None, Entry | None],
        second: tuple[str | None, Entry | None],
    ) -> Twice:
        old, new = first[1], second[1]
        if old is None or new is None:
            change = "added" if old is None else "removed"
            return Twice(part=part, name=shown, change=change, hint=name_hint(path))
        if old.kind == new.kind == "file" and old.digest != new.digest:
            found = self._contents_differ(path, (first[0] or "", old), (second[0] or "", new))
            return Twice(
                part=part,
                name=shown,
                change="changed",
                where=found.where,
                first=found.first,
                second=found.second,
                hint=found.hint,
            )
        kind = change_of(old, new) or "changed"
        return Twice(
            part=part, name=shown, change=kind, first=describe_entry(old), second=describe_entry(new)
        )

    def _contents_differ(self, path: str, first: tuple[str, Entry], second: tuple[str, Entry]) -> Differing:
        if self._left == 0:
            return Differing(where="content (too many files differ to look into each)")
        self._left -= 1
        try:
            with self._open(path, *first) as one, self._open(path, *second) as other:
                return differing(path, one, other, self._runs)
        except (StoreError, OSError) as error:
            return Differing(where=f"content ({error})")

    def _open(self, path: str, layer: str, entry: Entry) -> Opened:
        return self._contents.open(Location(inside=path, layer=layer), entry.size)

    def _shown(self, part: str, name: str, path: str) -> str:
        """Relative to the workspace, or absolute; artifacts lie in their layer under one name."""
        if part == "artifact":
            return f"{name}/{path.partition('/')[2]}".rstrip("/")
        workspace = self._first.kept.workspace.strip("/")
        return path[len(workspace) + 1 :] if workspace and is_below(path, workspace) else f"/{path}"

    def _manifest(self, digest: str | None) -> LayerManifest:
        return LayerManifest({}) if digest is None else self._store.layers.manifest(digest)

    def _mapping(self, part: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Twice]:
        for name in sorted(first.keys() | second.keys()):
            old, new = first.get(name), second.get(name)
            if old != new:
                yield Twice(
                    part=part,
                    name=printable(name),
                    change="added" if old is None else "removed" if new is None else "changed",
                    first=None if old is None else _short(old),
                    second=None if new is None else _short(new),
                )


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
