"""The SQLite index: what would be slow to find by walking the store; rebuilt from the files at any time.

It is never needed: a missing, damaged or locked index costs estimates, not results. Importing SQLite
takes 12 ms, so nothing on the path of a run in which everything is a hit comes here; what such a run
needs (entries, layers, last use, remembered digests) is in files.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.model.errors import StoreError

if TYPE_CHECKING:  # the store opens the index
    from engine.store.store import Store

FILE = "index-v1.sqlite"
_WAIT_SECONDS = 10.0
_SCHEMA = """
create table if not exists durations (
    definition text not null, task text not null, seconds real not null,
    primary key (definition, task)
) without rowid;
"""


class CacheIndex:
    """One connection, for one thread at a time; opened when first asked."""

    def __init__(self, root: str, read_only: bool) -> None:
        self._path = os.path.join(root, FILE)
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None

    def durations(self, definition: str) -> dict[str, float]:
        """Seconds that each task of a definition (an absolute path) took when it last executed."""
        try:
            rows = self._open().execute(
                "select task, seconds from durations where definition = ?", (os.fsencode(definition),)
            )
            return dict(rows)
        except sqlite3.Error:
            return {}

    def put_durations(self, definition: str, seconds: Mapping[str, float]) -> None:
        """Remember how long tasks took; call once at the end of a run in which something executed."""
        if self._read_only or not seconds:
            return
        rows = [(os.fsencode(definition), task, spent) for task, spent in seconds.items()]
        try:
            self._write(rows)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked for long, or a full disk
                return
            self._start_over()
            self._write(rows)

    def rebuild(self, store: Store) -> int:
        """Make the index anew from the files; how many facts it holds. StoreError when that fails."""
        try:
            self._start_over()
            count = 0
            for definition, seconds in durations_in(store).items():
                self._write([(os.fsencode(definition), task, spent) for task, spent in seconds.items()])
                count += len(seconds)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the index `{self._path}` cannot be rebuilt: {error}") from error
        return count

    def is_sound(self) -> bool:
        """Whether SQLite finds no damage; a missing index is sound."""
        if not os.path.exists(self._path):
            return True
        try:
            return bool(self._open().execute("pragma quick_check").fetchone() == ("ok",))
        except sqlite3.Error:
            return False

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if self._read_only:
            return sqlite3.connect(
                f"file:{_quoted(self._path)}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        connection = sqlite3.connect(
            self._path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = off")  # it is rebuilt, never relied on
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _write(self, rows: list[tuple[bytes, str, float]]) -> None:
        connection = self._open()
        connection.execute("begin immediate")
        try:
            connection.executemany("insert or replace into durations values (?, ?, ?)", rows)
            connection.execute("commit")
        except sqlite3.Error:
            connection.execute("rollback")
            raise

    def _start_over(self) -> None:
        """Put a damaged index away."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            try:
                os.unlink(self._path + suffix)
            except FileNotFoundError:
                continue


def durations_in(store: Store) -> dict[str, dict[str, float]]:
    """By definition and task, how long executions took, as the entries and runs of a store say."""
    definitions = {record.run: record.definition for record in store.runs.records()}
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for cache_key in store.entries.cache_keys():
        entry = store.entries.peek(cache_key)
        if entry is None:
            continue
        run, _, task = entry.produced_by.partition("/")
        if run in definitions:
            tasks = found.setdefault(definitions[run], {})
            tasks[task] = max(tasks.get(task, (0.0, 0.0)), (entry.created_at, entry.seconds))
    return {
        definition: {task: seconds for task, (_, seconds) in tasks.items()}
        for definition, tasks in found.items()
    }


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
