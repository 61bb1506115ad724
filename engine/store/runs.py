"""What is kept of each run, in `runs-v1/<run id>/`.

`run.json`, `events.jsonl`, `usage.jsonl`, `tasks.jsonl`, `holds`, `logs/`, `failed/`.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import hashlib
import os
from collections.abc import Collection, Iterable

import msgspec

from engine.model.errors import StoreError, UsageError
from engine.model.records import RunRecord, TaskRecord
from engine.store import disk
from engine.store.holds import Holds

_LEAST_COMPACTED = 1 << 20  # bytes of records
_COMPACTED_AGAIN = 4  # times as many as there were then


class _TaskName(msgspec.Struct):
    task: str


class _TaskGone(msgspec.Struct, kw_only=True):
    """In the place of a record: what was kept of the task counts no longer."""

    task: str
    is_gone: bool


class _TaskResult(msgspec.Struct):
    result: str = ""
    own_layer: str | None = None


def new_run_id(now: float) -> str:
    """A fresh id, 32 hex digits (reference §26): milliseconds since the epoch, so that ids sort; chance."""
    return f"{int(now * 1000):012x}{os.urandom(10).hex()}"


class RunDirectory:
    """The files of one run."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.run = os.path.basename(path)
        self._tasks = -1
        self._tasks_size = 0
        self._most_tasks = _LEAST_COMPACTED

    @property
    def events_path(self) -> str:
        """The event log, one JSON object a line."""
        return os.path.join(self.path, "events.jsonl")

    @property
    def usage_path(self) -> str:
        """What was used while the run executed (`engine.usage`), a sample a line; it may be missing."""
        return os.path.join(self.path, "usage.jsonl")

    @property
    def holds_path(self) -> str:
        """The layers and entries that the run relied on."""
        return os.path.join(self.path, "holds")

    def log_path(self, task: str) -> str:
        """The log of a task, bytes as they came; the file may be missing."""
        return os.path.join(self.path, "logs", f"{_file_name(task)}.log")

    def times_path(self, task: str) -> str:
        """When which part of the log came."""
        return os.path.join(self.path, "logs", f"{_file_name(task)}.times")

    def failed_path(self, task: str) -> str:
        """The directory with what a failed task left (`upper`); it may be missing."""
        return os.path.join(self.path, "failed", _file_name(task))

    def shell_path(self, task: str, *, before: bool = False) -> str:
        """The file with what shells have changed in a task, or in what it started from; it may be missing."""
        return os.path.join(self.path, "shells-before" if before else "shells", _file_name(task))

    def make_failed(self, task: str) -> str:
        """Make that directory; its path."""
        path = self.failed_path(task)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, record: RunRecord, is_durable: bool = False) -> None:
        """Write `run.json`, in place of the older one."""
        with disk.DiskErrors(self.path):
            disk.write_atomically(
                os.path.join(self.path, "run.json"), msgspec.json.encode(record), is_durable
            )

    def read(self) -> RunRecord:
        """`run.json`; StoreError when it is missing or damaged."""
        content = disk.read_file(os.path.join(self.path, "run.json"))
        try:
            return msgspec.json.decode(content or b"", type=RunRecord)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"the record of run `{self.run}` is damaged") from error

    def write_task(self, record: TaskRecord) -> None:
        """Add the record of a task; the last one counts. Its result is `no_result` until the task ends."""
        self.write_tasks((record,))

    def write_tasks(self, records: Iterable[TaskRecord]) -> None:
        """Add several. However often that is done, the file stays within some times what counts of it."""
        self._add(b"".join(msgspec.json.encode(record) + b"\n" for record in records))

    def forget_tasks(self, tasks: Iterable[str]) -> None:
        """What was written of these counts no longer."""
        self._add(b"".join(msgspec.json.encode(_TaskGone(task=task, is_gone=True)) + b"\n" for task in tasks))

    def _add(self, lines: bytes) -> None:
        with disk.DiskErrors(self.path):
            if self._tasks < 0:
                self._open_tasks()
            disk.write_all(self._tasks, lines)
            self._tasks_size += len(lines)
            if self._tasks_size > self._most_tasks:
                self._compact()

    def _open_tasks(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._tasks = os.open(self._tasks_path, flags, 0o644)
        self._tasks_size = os.fstat(self._tasks).st_size

    def _compact(self) -> None:
        """Leave out the records that do not count any more."""
        content = b"".join(line + b"\n" for line in self._last_lines().values())
        disk.write_atomically(self._tasks_path, content)
        self.close()
        self._open_tasks()
        self._most_tasks = max(_LEAST_COMPACTED, _COMPACTED_AGAIN * self._tasks_size)

    def read_task(self, task: str) -> TaskRecord | None:
        """The record of a task, or None when the run has none of it."""
        content = b"\n" + (disk.read_file(self._tasks_path) or b"")
        wanted = b"\n" + _beginning(task)
        end = len(content)
        while (place := content.rfind(wanted, 0, end)) >= 0:
            stop = content.find(b"\n", place + 1)
            line = content[place + 1 : stop if stop >= 0 else len(content)]
            if _is_gone(line):
                return None
            try:
                return msgspec.json.decode(line, type=TaskRecord)
            except msgspec.DecodeError:  # cut short by a crash
                end = place + 1
        return None

    def read_tasks(self, only: Collection[str] | None = None) -> dict[str, TaskRecord]:
        """The records of all tasks, or some, by name; the last one of a task counts."""
        decode = msgspec.json.Decoder(TaskRecord).decode
        wanted = None if only is None else tuple(_beginning(task) for task in only)
        found: dict[str, TaskRecord] = {}
        for line in self._lines():
            if wanted is not None and not line.startswith(wanted):
                continue
            try:
                if _is_gone(line):
                    found.pop(msgspec.json.decode(line, type=_TaskName).task, None)
                    continue
                record = decode(line)
            except msgspec.DecodeError:  # cut short by a crash
                continue
            found[record.task] = record
        return found

    def task_names(self) -> tuple[str, ...]:
        """The tasks that have a record, in the order of their records."""
        return tuple(self._last_lines())

    def _last_lines(self) -> dict[str, bytes]:
        """What counts of each task."""
        last: dict[str, bytes] = {}
        for line in self._lines():
            try:
                task = msgspec.json.decode(line, type=_TaskName).task
            except msgspec.DecodeError:  # cut short by a crash
                continue
            if _is_gone(line):
                last.pop(task, None)
            else:
                last[task] = line
        return last

    def failed_layers(self) -> set[str]:
        """What failed tasks had changed when they failed, as layers."""
        found = set()
        for line in self._lines():
            try:
                result = msgspec.json.decode(line, type=_TaskResult)
            except msgspec.DecodeError:
                continue
            if result.result == "failed" and result.own_layer is not None:
                found.add(result.own_layer)
        return found

    def close(self) -> None:
        """Close what is open."""
        if self._tasks >= 0:
            os.close(self._tasks)
            self._tasks = -1

    @property
    def _tasks_path(self) -> str:
        return os.path.join(self.path, "tasks.jsonl")

    def _lines(self) -> list[bytes]:
        content = disk.read_file(self._tasks_path)
        return [] if content is None else content.splitlines()


class RunStore:
    """All runs of a store; `holds` are those of this process."""

    def __init__(self, root: str, holds: Holds) -> None:
        self._root = root
        self._folder = os.path.join(root, "runs-v1")
        self._holds = holds

    def create(self, record: RunRecord) -> RunDirectory:
        """Make the directory of a run that begins. What this process holds counts as held by the run."""
        run = RunDirectory(os.path.join(self._folder, record.run))
        with disk.DiskErrors(self._root):
            os.mkdir(run.path)
            os.mkdir(os.path.join(run.path, "logs"))
            if self._holds.path is not None:
                os.link(self._holds.path, run.holds_path)
            run.write(record)
        return run

    def directory(self, run: str) -> RunDirectory:
        """The directory of a run by its full id."""
        return RunDirectory(os.path.join(self._folder, run))

    def ids(self) -> list[str]:
        """All run ids, the newest first; what else lies there is passed over."""
        try:
            with os.scandir(self._folder) as entries:
                found = [it.name for it in entries if it.is_dir(follow_symlinks=False) and it.name[0] != "."]
        except FileNotFoundError:
            return []
        return sorted(found, reverse=True)

    def records(self, limit: int | None = None) -> list[RunRecord]:
        """The records of all runs, the newest first; damaged ones are left out."""
        found: list[RunRecord] = []
        for run in self.ids():
            if limit is not None and len(found) >= limit:
                break
            try:
                found.append(self.directory(run).read())
            except StoreError:
                continue
        return found

    def last(self, definition: str, before: str | None = None) -> RunRecord | None:
        """The newest run of a definition (an absolute path), or the newest before a given run id."""
        for run in self.ids():
            if before is not None and run >= before:
                continue
            try:
                record = self.directory(run).read()
            except StoreError:
                continue
            if record.definition == definition:
                return record
        return None

    def resolve(self, text: str) -> RunDirectory:
        """What the user names: a run id or the beginning of one, `latest`, or `-1`, `-2`, … before that.

        Raises UsageError when there is no such run.
        """
        ids = self.ids()
        if not ids:
            raise UsageError("there is no run yet", hint="`outcrop run` makes one")
        back = 0 if text == "latest" else int(text[1:]) if text[:1] == "-" and text[1:].isdecimal() else None
        if back is not None:
            if back >= len(ids):
                raise UsageError(f"there is no run `{text}`: only {len(ids)} are kept")
            return self.directory(ids[back])
        matching = [run for run in ids if run.startswith(text)]
        if text in matching or len(matching) == 1:
            return self.directory(text if text in matching else matching[0])
        if matching:
            raise UsageError(f"run `{text}` is not unique", hint=f"{len(matching)} runs begin with it")
        nearest = _nearest(text, ids)
        raise UsageError(f"there is no run `{text}`", hint=f"did you mean `{nearest}`?" if nearest else None)


def _beginning(task: str) -> bytes:
    """Of the lines about a task."""
    return msgspec.json.encode(_TaskName(task))[:-1] + b","


def _is_gone(line: bytes) -> bool:
    return line.endswith(b',"is_gone":true}')


def _nearest(text: str, ids: list[str]) -> str | None:
    from difflib import get_close_matches  # late: only for an error message

    return next(iter(get_close_matches(text, ids, n=1)), None)


def _file_name(task: str) -> str:
    """A task path as a file name: itself, unless it is too long for one."""
    if len(task) <= 200:
        return task
    return f"{task[:120]}-{hashlib.sha256(task.encode()).hexdigest()[:32]}"
