"""A small app in the shipped colours, tasks, and a source of runs: for tests of panels and past runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from textual.app import App

from engine.api.messages import ComparedTask, Comparison, Refusal, RunSummary, TaskDetails, TaskFigures
from engine.events import Message
from engine.explain import Change
from engine.run_state import TaskState
from tests.tui.synthetic import description
from tui.theme import ROLE_CLASSES, ROLE_CSS
from tui.theme_files import shipped_theme

NOW = 1_795_000_000.0
MINUTE = 60.0


class PlainApp(App[None]):
    """An app with the colours of all roles and nothing else."""

    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS

    def __init__(self, theme: str = "outcrop-dark") -> None:
        self._shipped = shipped_theme(theme)
        super().__init__()
        self.register_theme(self._shipped)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(self._shipped.variables)


def failed_task() -> TaskState:
    """`unit-2`, failed at its second attempt, with messages and phases."""
    return TaskState(
        description=description("unit-2", "go-mod", "deps", after=("base",)),
        execution="finished",
        result="failed",
        cause="executed",
        exit_code=1,
        seconds=12.4,
        cpu_seconds=31.2,
        max_rss=812 << 20,
        attempt=2,
        started_at=NOW,
        cores=(2, 3, 4, 7),
        cache_key="9f2c" * 16,
        miss_reason="changed file src/parse.go",
        messages=(
            Message(type="warning", message="deprecated flag"),
            Message(type="error", message="want 3, got 2", file="parse_test.go", line=41, advice="check it"),
        ),
        phases=(("inputs", 0.2), ("run", 11.2)),
        layer="abcdef123456789",
        layer_bytes=80 * 1024,
    )


def cached_task(key: str, saved_seconds: float = 41.0) -> TaskState:
    """A hit."""
    return TaskState(
        description=description(key),
        execution="finished",
        result="succeeded",
        cause="cache_hit",
        produced_by=f"0141/{key}",
        saved_seconds=saved_seconds,
        attempt=1,
    )


def some_tasks() -> dict[str, TaskState]:
    """Three hits, a failure and what was skipped for it."""
    tasks = {key: cached_task(key) for key in ("base", "deps", "go-mod")}
    tasks["unit-2"] = failed_task()
    tasks["image"] = TaskState(
        description=description("image", "unit-2"), execution="skipped", because_of="unit-2"
    )
    return tasks


def details_of(task: str = "unit-2") -> TaskDetails:
    """What an engine would tell about `failed_task`."""
    return TaskDetails(
        task=task,
        raw=f"key: {task}",
        script='set -e\n# all of them\ngo test ./... --mode "$MODE"\n',
        shell=("bash", "-e"),
        environment={"PATH": "/usr/bin:/bin", "MODE": "full", "HOME": "/root"},
        user="root",
        workspace="/var/mint-workspace",
        network="host",
        filter=(("src/**", True), ("README.md", False)),
        inputs=(("base", "a" * 64), ("deps", "b" * 64)),
        compared_with="0141",
        changes=(
            Change(part="file", name="src/parse.go", change="changed", before="120 bytes", after="140 bytes"),
            Change(part="environment", name="OLD", change="removed", before="1", after=None),
        ),
        values={"coverage": "81.2"},
        links={"Report": "https://example.com/report"},
        log_bytes=120_000,
    )


def run_summary(number: int, **changes: object) -> RunSummary:
    """The run of this number: a minute after the one before, `ci.yml`, 58 seconds, half of it hits."""
    summary = RunSummary(
        run=f"{number:04}",
        definition="/home/me/project/ci.yml",
        title="ci",
        started_at=NOW - (1000 - number) * MINUTE,
        seconds=58.0,
        result="succeeded",
        cause=None,
        counts={"executed": 10, "cache_hit": 10, "failed": 0, "skipped": 0, "cancelled": 0},
        saved_seconds=192.0,
    )
    return msgspec.structs.replace(summary, **changes)


def some_runs() -> list[RunSummary]:
    """Newest first: one in progress, failed, killed, cancelled, of another file, succeeded."""
    few = {"executed": 2, "cache_hit": 8, "failed": 2, "skipped": 3, "cancelled": 0}
    return [
        run_summary(999, result="running", seconds=None, counts={"cache_hit": 3}, is_ours=True),
        run_summary(
            997, result="failed", seconds=63.0, counts=few, failed=("unit-2", "lint"), is_unseen=True
        ),
        run_summary(990, result="no_result", seconds=None, is_killed=True),
        run_summary(980, result="no_result", cause="cancelled", seconds=12.0, counts={"cancelled": 3}),
        run_summary(900, definition="/home/me/project/nightly.yml", title="nightly", seconds=3600.0),
        run_summary(890, seconds=58.0),
        run_summary(1, seconds=50.0),
    ]


def comparison_of(run: str, other: str) -> Comparison:
    """Two runs of five tasks: slower, faster, same, new, gone."""

    def figures(state: str, seconds: float, reason: str | None = None) -> TaskFigures:
        return TaskFigures(state=state, seconds=seconds, reason=reason)

    change = Change(part="file", name="go.sum", change="changed", before="120 bytes", after="140 bytes")
    return Comparison(
        before=run_summary(int(other)),
        after=run_summary(int(run), seconds=63.0, result="failed", failed=("unit-2",)),
        tasks=(
            ComparedTask(task="base", before=figures("cached", 0.0), after=figures("cached", 0.0)),
            ComparedTask(
                task="deps",
                before=figures("cached", 0.0),
                after=figures("ok", 41.0, "changed file go.sum"),
                changes=(change,),
            ),
            ComparedTask(task="unit-2", before=figures("ok", 20.0), after=figures("failed", 12.0)),
            ComparedTask(task="new", before=None, after=figures("ok", 1.5, "first run")),
            ComparedTask(task="gone", before=figures("ok", 2.0), after=None),
        ),
    )


class FakeRuns:
    """Past runs in memory, newest first; answers at once, as the bridge does later."""

    def __init__(self, runs: Sequence[RunSummary], refusal: Refusal | None = None) -> None:
        self.all = list(runs)
        self.refusal = refusal
        self.asked: list[tuple[str, ...]] = []

    def runs(
        self,
        limit: int,
        before: str | None,
        definition: str | None,
        then: Callable[[Sequence[RunSummary]], None],
        refused: Callable[[Refusal], None],
    ) -> None:
        self.asked.append(("runs", str(limit), before or ""))
        if self.refusal is not None:
            refused(self.refusal)
            return
        names = [run.run for run in self.all]
        start = names.index(before) + 1 if before else 0
        then(self.all[start : start + limit])

    def compare(
        self,
        run: str,
        other: str,
        then: Callable[[Comparison], None],
        refused: Callable[[Refusal], None],
    ) -> None:
        self.asked.append(("compare", run, other))
        if self.refusal is not None:
            refused(self.refusal)
            return
        then(comparison_of(run, other))
