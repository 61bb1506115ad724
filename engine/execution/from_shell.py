"""What the tasks of a request for `--from-shell` go on from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.definition.suggestions import did_you_mean
from engine.execution.resolved import FROM_FAILURE, FROM_SHELL, Start
from engine.model.errors import UsageError
from engine.store.shell_changes import ShellChanges
from engine.store.store import Store


def starts_of(
    wanted: Sequence[tuple[str, str]], known: Collection[str], chosen: Collection[str], store: Store
) -> dict[str, Start]:
    """By task. `known` are the tasks of the definition, `chosen` those of the run. UsageError."""
    return {task: _start(task, run, known, chosen, store) for task, run in wanted}


def _start(task: str, run: str, known: Collection[str], chosen: Collection[str], store: Store) -> Start:
    if task not in known:
        raise UsageError(f"there is no task `{task}` to go on with", did_you_mean(task, known))
    if task not in chosen:
        raise UsageError(f"task `{task}` is no part of this run", "add it by `--target`")
    directory = store.runs.resolve(run)
    kept = directory.read_task(task)
    if kept is None:
        raise UsageError(
            f"task `{task}` did not run in run `{directory.run}`", "`outcrop runs` lists all runs"
        )
    if not kept.has_ended:
        raise UsageError(f"task `{task}` did not end in run `{directory.run}`, so its files are not kept")
    changes = ShellChanges(directory, task).layers(kept.own_layer)
    layers = (*(() if kept.own_layer is None else (kept.own_layer,)), *changes)
    if not layers:
        message = f"task `{task}` of run `{directory.run}` has changed nothing to go on from"
        raise UsageError(message, f"`outcrop shell --keep {task}` keeps what you change there")
    if not store.layers.hold(*layers):
        raise UsageError(f"what task `{task}` of run `{directory.run}` has left is not there any more")
    return Start(layers, FROM_SHELL if changes else FROM_FAILURE)
