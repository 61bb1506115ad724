"""The manifest of a tree and its digest, made from those of the last look where little has changed."""

from __future__ import annotations

import stat
from collections.abc import Callable

from engine.file_tree import Entry, LayerManifest, digest_of_lines, entry_line
from engine.snapshot.stat_index import Row, Table
from engine.snapshot.tree_snapshot import SnapshotRequest, ways_to_prefix

_TYPE = 0o170000


class Description:
    """What the last look at a tree gave, for one way of asking."""

    def __init__(self, request: SnapshotRequest) -> None:
        self._request = request
        self._directories: dict[str, Table] = {}
        self._manifest: LayerManifest | None = None
        self._lines: dict[str, str] = {}
        self._has_ways = False  # directories that come and go with what is below them

    def renewed(
        self,
        directories: dict[str, Table],
        entry_of: Callable[[Row], Entry],
        root_entry: Callable[[], Entry],
        whole: Callable[[], LayerManifest],
    ) -> tuple[LayerManifest, str]:
        """The manifest and its digest; `whole` makes it from the tables alone, and may renew these."""
        changed = self._changed(directories)
        if changed is None or self._manifest is None:
            manifest = whole()
            rows = (row for table in directories.values() for row in table.values())
            self._has_ways = any(type(row) is Row and row.is_way_only for row in rows)
            self._lines = {path: entry_line(path, entry) for path, entry in manifest.entries.items()}
        else:
            manifest = self._with(self._manifest, changed, entry_of, root_entry())
        self._manifest, self._directories = manifest, dict(directories)
        return manifest, digest_of_lines(self._lines.values())

    def _with(
        self,
        last: LayerManifest,
        changed: dict[str, Row | None],
        entry_of: Callable[[Row], Entry],
        root: Entry,
    ) -> LayerManifest:
        prefix = self._request.prefix + "/" if self._request.prefix else ""
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
        return LayerManifest(entries=entries, passed=passed, links=last.links)

    def _changed(self, directories: dict[str, Table]) -> dict[str, Row | None] | None:
        """What is another row than at the last look, None for what is gone; None when it is not so simple."""
        request = self._request
        if request.include or request.exclude or request.options.is_root_filesystem or self._has_ways:
            return None
        found: dict[str, Row | None] = {}
        for directory, table in directories.items():
            known = self._directories.get(directory, {})
            if table is known:
                continue
            prefix = directory + "/" if directory else ""
            for name, row in table.items():
                old = known.get(name)
                if old is row:
                    continue
                if not (_is_simple(old) and _is_simple(row)):
                    return None
                if type(row) is Row:
                    found[prefix + name] = row
                elif type(old) is Row:
                    found[prefix + name] = None
            for name in known.keys() - table.keys():
                if not _is_simple(known[name]):
                    return None
                found[prefix + name] = None
        for directory in self._directories.keys() - directories.keys():
            for name, row in self._directories[directory].items():
                if not _is_simple(row):
                    return None
                found[f"{directory}/{name}"] = None
        return found


def _is_simple(row: Row | int | None) -> bool:
    """Whether what it says concerns one path only, and all is known of it."""
    if type(row) is not Row:
        return True
    is_file = row.mode & _TYPE == stat.S_IFREG
    return not row.is_way_only and not (is_file and (row.links > 1 or not row.content))
