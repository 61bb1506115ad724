"""The run that is on the screen: its model, where it came from, and whether it still goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.api.messages import RunSummary
from engine.explain import printable
from engine.model.request import RunRequest
from engine.progress.pauses import pause_words
from tui.model.attention import failures
from tui.model.run_model import Dirty, Item, RunModel
from tui.model.turns import Turns

_MOST_LOST = 5

Course = Literal["live", "finished", "killed", "engine_gone", "damaged", "not_kept"]


class ShownRun:
    """`course` is `killed` when the process of the run died, `engine_gone` when the engine did while it ran,
    `damaged` when it has ended and its events do not say so, `not_kept` when it is not there any more.

    `lost`: the tasks that were running then. `offset`, `usage_offset`: where
    its logs go on, in bytes. `is_news`: nobody
    has seen its end before, so it is worth a summary when the interface is left.
    """

    def __init__(self, run: str, request: RunRequest | None = None, *, is_news: bool = False) -> None:
        self.model = RunModel(run)
        self.request = request
        self.summary: RunSummary | None = None
        self.course: Course = "live"
        self.lost: tuple[str, ...] = ()
        self.offset = self.usage_offset = 0
        self.is_news = is_news
        self.turns = Turns()
        self.keeps_going = not (request is not None and request.fail_fast)

    @property
    def run(self) -> str:
        return self.model.run

    @property
    def is_live(self) -> bool:
        return self.course == "live"

    @property
    def is_steerable(self) -> bool:
        """Whether its tasks can be cancelled and retried: it goes on, and the engine started it."""
        return self.is_live and (self.summary is None or self.summary.is_ours)

    @property
    def is_watched(self) -> bool:
        """Whether it goes on, and waits for changes when its tasks have ended."""
        return self.is_live and self._watches

    @property
    def is_idle(self) -> bool:
        """Whether it goes on, and does nothing but wait for changes."""
        return self.is_live and self.model.is_idle

    @property
    def _watches(self) -> bool:
        watch = self.model.state.watch
        return watch.is_on if watch is not None else self.request is not None and self.request.watch

    @property
    def restriction(self) -> str:
        """Why its tasks can't be cancelled and retried though it goes on; empty when they can."""
        return "started elsewhere: look only" if self.is_live and not self.is_steerable else ""

    @property
    def alarm(self) -> str:
        """What must not be overlooked, and which key helps; empty when all is well."""
        lost = ", ".join(self.lost[:_MOST_LOST]) + (", …" if len(self.lost) > _MOST_LOST else "")
        if self.course == "engine_gone":
            return f"the engine is gone; lost: {lost or 'nothing'}. S starts it again, and the run with it"
        if self.course == "killed":
            return f"the process of this run died; lost: {lost or 'nothing'}. r runs it again"
        if self.course == "damaged":
            return "the files of this run are damaged: this is not all that happened"
        if self.course == "not_kept":
            return "this run is not kept any more: its files are gone"
        return (self._broken_words or self._paused_words) if self.is_live else ""

    @property
    def _broken_words(self) -> str:
        """The first problem of a definition that is being written, its file as seen from the definition."""
        watch, started = self.model.state.watch, self.model.state.started
        if watch is None or not watch.problems or started is None:
            return ""
        folder = started.definition.rpartition("/")[0] + "/"
        lines = watch.problems[0].removeprefix(folder).split("\n")
        hints = (line.strip().removeprefix("hint: ") for line in lines[1:] if line.strip())
        told = "; ".join(printable(line) for line in (lines[0], *hints))
        more = len(watch.problems) - 1
        others = f" (and {more} more)" if more else ""
        return f"{told}{others} (the last good definition stays in force)"

    @property
    def _paused_words(self) -> str:
        tasks = self.model.state.tasks
        paused = [tasks[key] for key in tasks if key in self.model.state.running and tasks[key].paused]
        if not paused:
            return ""
        one = paused[0]
        words = f"{one.description.task} is {pause_words(one.paused or 'script', one.exit_code)}"
        if len(paused) > 1:
            words = f"{len(paused)} tasks are paused; {words}"
        return f"{words}: s enters it, c lets it go on"

    @property
    def succeeded(self) -> bool:
        finished = self.model.state.finished
        return finished is not None and finished.result == "succeeded"

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody has ended it."""
        finished = self.model.state.finished
        return finished is not None and finished.cause == "cancelled"

    def take(self, items: Sequence[Item], offset: int, usage_offset: int) -> Dirty:
        """Take in what came; then its logs go on at these bytes."""
        self.model.mend()
        dirty = self.model.take(items)
        self.turns.take(items, lambda: bool(failures(self.model.state)))
        self.offset, self.usage_offset = offset, usage_offset
        if dirty.finished:
            self.course, self.lost = "finished", ()
        return dirty

    def end(self, course: Course) -> None:
        """Nothing more will come, and the last event was not there."""
        if self.course in ("live", "engine_gone"):
            self.course = course = "damaged" if course == "killed" and self._has_ended else course
            self.model.mend()
            self.lost = self.model.cut(course.replace("_", " "))

    @property
    def _has_ended(self) -> bool:
        """Whether its record says so, whatever its events say."""
        summary = self.summary
        return summary is not None and summary.result != "running" and not summary.is_killed

    def go_on(self) -> None:
        """The engine is back: look what has become of the run."""
        if self.course == "engine_gone":
            self.course = "live"
            self.model.mend()

    def describe(self, summary: RunSummary) -> None:
        """What the engine keeps of the run."""
        if self.request is None and self.summary is None and summary.request is not None:
            self.keeps_going = not summary.request.fail_fast
        self.summary = summary
        self.is_news = self.is_news or summary.result == "running" or summary.is_unseen
        if self.course == "killed" and self._has_ended:
            self.course = self.model.cut_by = "damaged"

    def is_asked_again_by(self, request: RunRequest | None) -> bool:
        """Whether this request is about the same definition."""
        known = self.again()
        return known is not None and request is not None and known.definition == request.definition

    def again(self, no_cache: bool | tuple[str, ...] = False) -> RunRequest | None:
        """The request that starts the same once more; None while it is not known what was asked for."""
        summary, known = self.summary, self.request
        if known is None and summary is not None:
            known = summary.request or RunRequest(
                definition=summary.definition, targets=summary.targets, init=summary.init
            )
        if known is None:
            return None
        return RunRequest(
            definition=known.definition,
            targets=known.targets,
            init=known.init,
            no_cache=no_cache,
            fail_fast=not self.keeps_going,
            cpus=known.cpus,
            memory=known.memory,
            package_paths=known.package_paths,
            watch=self._watches if self.model.state.watch is not None else known.watch,
        )
