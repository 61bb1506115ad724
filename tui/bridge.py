"""Between the engine's process and the screens: queues what comes, passes on what is asked.

Threads read the engine's streams and put what they read into one queue; the app takes it out in its own
thread, some thousand items a frame at most, so a flood of events delays no key press. A command is a
thread of its own, and its answer comes through the same queue, as a call to be made by the app.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from engine.api.client import EngineClient, EngineGone, RefusedError
from engine.api.file_messages import FileChanges
from engine.api.messages import (
    Comparison,
    DefinitionSummary,
    EngineStops,
    Estimates,
    Refusal,
    RunSummary,
    TaskDetails,
)
from engine.events import PausePoint, RunFinished
from engine.model.errors import OutcropError
from engine.model.request import RunRequest
from tui.file_log import FileLog
from tui.files_bridge import FilesBridge
from tui.inbox import Answered, Arrival, Came, Crashed, EngineLost, Inbox, Noticed, StreamEnded
from tui.model.failure_facts import MOST_CHANGES, NO_CHANGES, TAIL_BYTES, Failure
from tui.model.inspected import task_place
from tui.model.log_source import LogSource
from tui.model.run_model import Item

DRAINED_AT_ONCE = 20_000
_BATCH = 1_000
_USAGE = b'{"type":"usage"'

Answer = TypeVar("Answer")
Refused = Callable[[Refusal], None]


class Bridge:
    """The engine as the screens see it. Every method returns at once; answers come out of `drain`.

    `wake` is called in some thread when there is something to drain, once until it was drained.
    `connect` attaches to the engine of the store, and starts one where there is none; it blocks.
    """

    def __init__(self, client: EngineClient, connect: Callable[[], EngineClient]) -> None:
        self._client = client
        self._connect = connect
        self._inbox = Inbox()
        self._followed = 0
        self._latest: dict[str, int] = {}
        self._is_lost = False
        self.files = FilesBridge(self)

    @property
    def client(self) -> EngineClient:
        """The engine as it is now; for threads, since its calls block."""
        return self._client

    def open(self, wake: Callable[[], None]) -> None:
        """Begin to listen; what was followed or asked before may have come already."""
        self._inbox.wake_by(wake)
        self._listen()

    def drain(self, limit: int = DRAINED_AT_ONCE) -> tuple[list[Arrival], bool]:
        """What has come, and whether there is more; about `limit` items of runs at most."""
        return self._inbox.take(limit)

    def follow(self, run: str, offset: int = 0, usage_offset: int = 0) -> None:
        """Let events and samples of this run come, from these bytes on, and those of no other any more."""
        self._followed += 1
        number, client = self._followed, self._client
        self._in_thread(lambda: self._read_events(client, run, offset, usage_offset, number))

    def close(self) -> None:
        """Listen no more; the engine then knows that nobody looks on."""
        self._followed += 1
        self._client.close()

    def start(self, request: RunRequest, then: Callable[[str], None], refused: Refused) -> None:
        """Start a run; `then` is told its name."""
        self.ask(lambda client: client.start(request), then, refused)

    def reconnect(self, then: Callable[[], None], refused: Refused) -> None:
        """After the engine was lost: attach to the one that is there, or start one."""
        self.ask(lambda _: self._connected(), lambda _: then(), refused)

    def cancel(self, run: str, tasks: tuple[str, ...] | None, refused: Refused) -> None:
        """End these tasks, or with None the whole run."""
        self.ask(lambda client: client.cancel(run, tasks), _ignore, refused)

    def retry(
        self, run: str, tasks: tuple[str, ...] | None, refused: Refused, *, from_here: bool = False
    ) -> None:
        """Try these tasks of a run in progress again, or with None all that failed.

        `from_here`: upon what they left and what shells have changed in it.
        """
        self.ask(lambda client: client.retry(run, tasks, from_here=from_here), _ignore, refused)

    def keep_going(self, run: str, enabled: bool, refused: Refused) -> None:
        """Whether the run goes on after a failure with what does not depend on it."""
        self.ask(lambda client: client.keep_going(run, enabled), _ignore, refused)

    def watch(self, run: str, enabled: bool, refused: Refused) -> None:
        """Whether a run in progress waits for changes once its tasks have ended, instead of ending too."""
        self.ask(lambda client: client.watch(run, enabled), _ignore, refused)

    def break_at(self, run: str, task: str, where: PausePoint | None, refused: Refused) -> None:
        """Pause a task there as well, or with None nowhere any more."""
        self.ask(lambda client: client.break_at(run, task, where), _ignore, refused)

    def proceed(self, run: str, tasks: tuple[str, ...] | None, refused: Refused) -> None:
        """Let these paused tasks go on, or with None all of them."""
        self.ask(lambda client: client.proceed(run, tasks), _ignore, refused)

    def summary(self, run: str, then: Callable[[RunSummary, Estimates], None], refused: Refused) -> None:
        """One run as a row of the history, and how long the tasks of its definition took in the past."""

        def ask(client: EngineClient) -> tuple[RunSummary, Estimates]:
            summary = client.run(run)
            return summary, client.estimates(summary.definition)

        self.ask(ask, lambda answer: then(*answer), refused)

    def runs(
        self,
        limit: int,
        before: str | None,
        definition: str | None,
        then: Callable[[Sequence[RunSummary]], None],
        refused: Refused,
    ) -> None:
        """Past runs, newest first."""
        self.ask(lambda client: client.runs(limit, before, definition), then, refused)

    def compare(self, run: str, other: str, then: Callable[[Comparison], None], refused: Refused) -> None:
        """Two runs, task by task; `run` is the later one."""
        self.ask(lambda client: client.compare(run, other), then, refused, latest="compare")

    def definitions(
        self, directory: str, then: Callable[[Sequence[DefinitionSummary]], None], refused: Refused
    ) -> None:
        """The definitions that can be run from a directory."""
        self.ask(lambda client: client.definitions(directory), then, refused)

    def definition(self, path: str, then: Callable[[DefinitionSummary], None], refused: Refused) -> None:
        """What one definition offers to a run."""
        self.ask(lambda client: client.definition(path), then, refused, latest="definition")

    def details(
        self, run: str, task: str, then: Callable[[TaskDetails, LogSource], None], refused: Refused
    ) -> None:
        """What is kept of a task, and its log; of several questions only the last is answered."""

        def ask(client: EngineClient) -> tuple[TaskDetails, LogSource]:
            details = client.details(run, task)
            return details, _log(client, run, task, details.log_path)

        self.ask(ask, lambda answer: then(*answer), refused, latest="details")

    def failure(self, run: str, task: str, attempt: int, then: Callable[[Failure], None]) -> None:
        """The end of a failed task's log and the first paths that it changed, as far as they are kept."""

        def ask(client: EngineClient) -> Failure:
            changes: FileChanges | None = None
            place = task_place(run, task)
            try:
                is_changed = client.files.place(place).own is not None
                changes = client.files.changes(place, limit=MOST_CHANGES) if is_changed else NO_CHANGES
            except RefusedError:
                pass  # it has died before anything was kept of its files
            tail = self.tail(run, task, TAIL_BYTES)
            return Failure(run=run, task=task, attempt=attempt, tail=tail, changes=changes)

        self.ask(ask, then, lambda _: None, latest="failure")

    def tail(self, run: str, task: str, count: int) -> bytes:
        """The last bytes of a log; empty when they can't be had. Blocks: for after the interface."""
        try:
            source = _log(self._client, run, task, self._client.details(run, task).log_path)
            data = source.read(max(0, source.size() - count), count)
            source.close()
        except (OSError, OutcropError):
            return b""
        return data

    def _connected(self) -> None:
        self._client = self._connect()
        self._is_lost = False
        self._listen()

    def _listen(self) -> None:
        client = self._client
        self._in_thread(lambda: self._read_notices(client))

    def tell(self, tell: Callable[[], None]) -> None:
        """Let the app call this; from any thread."""
        self._inbox.put(Answered(tell=tell))

    def ask(
        self,
        question: Callable[[EngineClient], Answer],
        then: Callable[[Answer], None],
        refused: Refused,
        latest: str = "",
    ) -> None:
        """Ask in a thread; `then` gets the answer, only that to the newest question of the same `latest`."""
        number = self._latest[latest] = self._latest.get(latest, 0) + 1

        def work() -> None:
            if latest and self._latest[latest] != number:
                return
            tell = _outcome(lambda: question(self._client), then, refused)
            if not latest or self._latest[latest] == number:
                self._inbox.put(Answered(tell=tell))

        self._in_thread(work)

    def _in_thread(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  # a bug: it ends the interface, not just its thread
                self._inbox.put(Crashed(error=error))

        threading.Thread(target=guarded, daemon=True).start()

    def _read_notices(self, client: EngineClient) -> None:
        stopped = False
        try:
            for notice in client.notices():
                stopped = stopped or isinstance(notice, EngineStops)
                self._inbox.put(Noticed(notice=notice))
        except (EngineGone, OSError):
            pass
        if client is self._client and not self._is_lost:
            self._is_lost = True
            self._inbox.put(EngineLost(stopped=stopped))

    def _read_events(
        self, client: EngineClient, run: str, offset: int, usage_offset: int, number: int
    ) -> None:
        is_whole, is_kept = False, True
        try:
            for chunk in client.events(run, offset, usage_offset):
                for came in batches(run, chunk, offset, usage_offset):
                    if not self._inbox.wait_for_room(lambda: self._followed == number):
                        return
                    self._inbox.put(came)
                    offset, usage_offset = came.offset, came.usage_offset
                    is_whole = isinstance(came.items[-1], RunFinished) or is_whole
        except (EngineGone, OSError):
            return  # the stream of notices is cut as well, and says so
        except RefusedError:
            is_kept = False
        if self._followed == number:
            self._inbox.put(StreamEnded(run=run, is_whole=is_whole, is_kept=is_kept))


def batches(run: str, chunk: bytes, offset: int, usage_offset: int) -> list[Came]:
    """Whole lines of a stream as values. Lines that are no event known here are passed over."""
    came = []
    lines = chunk.splitlines(keepends=True)
    for first in range(0, len(lines), _BATCH):
        items = []
        for line in lines[first : first + _BATCH]:
            if line.startswith(_USAGE):
                usage_offset += len(line)
            else:
                offset += len(line)
            try:
                items.append(_decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):  # of a later version, cut by a kill, damaged
                continue
        if items:
            came.append(Came(run=run, items=items, offset=offset, usage_offset=usage_offset))
    return came


_decoder = msgspec.json.Decoder(Item)


def _outcome(
    question: Callable[[], Answer], then: Callable[[Answer], None], refused: Refused
) -> Callable[[], None]:
    try:
        answer = question()
    except RefusedError as error:
        refusal = error.refusal
    except EngineGone:
        refusal = Refusal(kind="internal", message="the engine does not answer")
    except OutcropError as error:
        refusal = Refusal(kind="machine", message=error.message, hint=error.hint)
    except OSError as error:
        refusal = Refusal(kind="machine", message=str(error))
    else:
        return lambda: then(answer)
    return lambda: refused(refusal)


def _log(client: EngineClient, run: str, task: str, path: str) -> LogSource:
    """The file itself where it is on this machine, which costs no request a read."""
    if path and os.path.isdir(os.path.dirname(path)):
        return FileLog(path)
    return client.log(run, task)


def _ignore(_: object) -> None:
    pass
