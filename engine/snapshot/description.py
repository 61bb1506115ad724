"""The manifest of a tree and its digest, made from those of the last look where little has changed."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Mapping
from functools import cached_property

import msgspec

from engine.file_tree import Entry, LayerManifest, RenewedTree, digest_of_lines, entry_line, parent_of
from engine.filter import CompiledFilter, compile_patterns
from engine.snapshot.stat_index import Row, Table
from engine.snapshot.tree_snapshot import SnapshotRequest, ways_to_prefix

_TYPE = 0o170000

Tables = dict[str, Table]


class Description:
    """What the last look at a tree gave, for one way of asking."""

    def __init__(self, request: SnapshotRequest) -> None:
        self._request = request
        self._directories: Tables = {}
        self._manifest: LayerManifest | None = None
        self._lines: dict[str, str] = {}
        self._has_ways = False  # directories that come and go with what is below them

    def renewed(
        self,
        directories: Tables,
        entry_of: Callable[[Row], Entry],
        root_entry: Callable[[], Entry],
        whole: Callable[[], LayerManifest],
        read: Callable[[Collection[str]], None],
    ) -> tuple[LayerManifest, str]:
        """The manifest and its digest.

        `read` enters the contents of files in the tables. `whole` makes the manifest from the tables alone,
        and may read too.
        """
        changed = self._changed(directories)
        if changed is not None:
            unread = [path for path, row in changed.items() if row is not None and _is_unread(row)]
            if unread:
                read(unread)
                changed = self._changed(directories)
        if changed is None or self._manifest is None:
            manifest = whole()
            rows = (row for table in directories.values() for row in table.values())
            self._has_ways = any(type(row) is Row and row.is_way_only for row in rows)
            entries = RenewedTree(manifest.entries, None, ())
            manifest = msgspec.structs.replace(manifest, entries=entries)
            self._lines = {path: entry_line(path, entry) for path, entry in entries.items()}
        else:
            manifest = self._with(self._manifest, changed, entry_of, root_entry())
        self._manifest, self._directories = manifest, dict(directories)
        return manifest, digest_of_lines(self._lines.values())

    def _with(
        self,
        last: LayerManifest,
        changed: Mapping[str, Row | None],
        entry_of: Callable[[Row], Entry],
        root: Entry,
    ) -> LayerManifest:
        prefix = self._prefix
        passed, made = ways_to_prefix(self._request, root)
        entries, lines = dict(last.entries), self._lines
        new = dict(made)
        for path, row in changed.items():
            if row is None:
                entries.pop(prefix + path, None)
                lines.pop(prefix + path, None)
            else:
                new[prefix + path] = entry_of(row)
        count = len(entries)
        for path, entry in new.items():
            entries[path] = entry
            lines[path] = entry_line(path, entry)
        if len(entries) != count:
            entries = dict(sorted(entries.items()))
            self._lines = {path: lines[path] for path in entries}
        others = frozenset({*new, *(prefix + path for path in changed)})
        return LayerManifest(RenewedTree(entries, last.entries, others), (), passed, last.links)

    def _changed(self, directories: Tables) -> dict[str, Row | None] | None:
        """What of the selected is another row than at the last look, None for what is gone.

        None when it is not so simple.
        """
        if self._manifest is None or self._request.options.is_root_filesystem or self._has_ways:
            return None
        found: dict[str, Row | None] = {}
        for path, old, new in _differing(self._directories, directories):
            if not (_is_simple(old) and _is_simple(new)):
                return None
            if self._filters:
                is_selected = self._is_selected(path, old, new)
                if is_selected is None:
                    return None
                if not is_selected:
                    continue
            if type(new) is Row:
                found[path] = new
            elif type(old) is Row:
                found[path] = None
        return found

    @property
    def _prefix(self) -> str:
        return self._request.prefix + "/" if self._request.prefix else ""

    @cached_property
    def _filters(self) -> list[CompiledFilter]:
        """What has to select a path, all of them."""
        both = (self._request.include, tuple("!" + pattern for pattern in self._request.exclude))
        return [compile_patterns([(pattern, True) for pattern in patterns]) for patterns in both if patterns]

    def _is_selected(self, path: str, old: Row | int | None, new: Row | int | None) -> bool | None:
        """None where a directory may come or go because of it: one is also there for what is in it."""
        assert self._manifest is not None
        entries, prefix = self._manifest.entries, self._prefix
        was, parent = prefix + path in entries, parent_of(path)
        if _is_directory(old) and _is_directory(new):
            return was
        if _is_directory(old) or _is_directory(new):
            return None
        verdicts = [each.keeps(path, False) for each in self._filters]
        if any(verdicts):  # what one keeps has brought its directories, though another leaves it out
            is_gone = type(new) is not Row
            is_safe = self._is_kept(parent) if is_gone else parent == "" or prefix + parent in entries
            if not is_safe:
                return None
        return was if type(new) is not Row else all(verdicts)

    def _is_kept(self, directory: str) -> bool:
        return directory == "" or all(each.keeps(directory, True) for each in self._filters)


def _differing(before: Tables, after: Tables) -> list[tuple[str, Row | int | None, Row | int | None]]:
    """The paths of which the tables do not say the very same; what they say, None for nothing."""
    found: list[tuple[str, Row | int | None, Row | int | None]] = []
    for directory, table in after.items():
        known = before.get(directory, {})
        if table is known:
            continue
        prefix = directory + "/" if directory else ""
        for name, row in table.items():
            old = known.get(name)
            if old is not row:
                found.append((prefix + name, old, row))
        found += [(prefix + name, known[name], None) for name in known.keys() - table.keys()]
    for directory in before.keys() - after.keys():
        found += [(f"{directory}/{name}", row, None) for name, row in before[directory].items()]
    return found


def _is_simple(row: Row | int | None) -> bool:
    """Whether what it says concerns one path only."""
    if type(row) is not Row:
        return True
    is_file = row.mode & _TYPE == stat.S_IFREG
    return not row.is_way_only and not (is_file and row.links > 1)


def _is_unread(row: Row) -> bool:
    return row.mode & _TYPE == stat.S_IFREG and not row.content


def _is_directory(row: Row | int | None) -> bool:
    return type(row) is Row and row.mode & _TYPE == stat.S_IFDIR
