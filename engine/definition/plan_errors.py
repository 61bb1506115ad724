"""What is wrong with a run before any task starts: init parameters that templates need and nobody gave."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NoReturn

from engine.definition import evaluate
from engine.definition.evaluate import MissingInput
from engine.model.diagnostic import Diagnostic
from engine.model.errors import UserError
from engine.model.expression import Expression, Template
from engine.model.run_definition import CommandTask, FilterEntry, RunDefinition, Task


class _Undecided(Exception):
    """The value depends on how tasks end."""


class _NotYet(Mapping[str, object]):
    """A context that has no members before tasks have run."""

    def __getitem__(self, name: str) -> NoReturn:
        raise _Undecided

    def __contains__(self, name: object) -> NoReturn:
        raise _Undecided

    def __iter__(self) -> NoReturn:
        raise _Undecided

    def __len__(self) -> NoReturn:
        raise _Undecided


def plan_errors(
    definition: RunDefinition, init: Mapping[str, str], tasks: Collection[str] | None = None
) -> tuple[Diagnostic, ...]:
    """Missing init parameters, each at its task; `tasks` are those that will run, None for all.

    Only what certainly fails is found: a branch that is not taken, or that waits for a task, is not.
    """
    run = {"dir": definition.run_dir, "mint-dir": definition.run_dir, "id": "run"}
    scope = {"init": init, "run": run, "tasks": _NotYet(), "task": _NotYet()}
    found: dict[tuple[int, str], Diagnostic] = {}
    base = definition.base
    if base is not None:
        for part in (base.image, base.config, base.arch):
            _check(part, scope, definition.path, base.line, base.column, "base", found)
    for task in definition.tasks:
        if tasks is None or task.key in tasks:
            for template in _templates(task):
                _check(template, scope, definition.path, task.line, task.column, task.key, found)
    return tuple(found.values())


def _check(
    template: Template | Expression | None,
    scope: Mapping[str, object],
    file: str,
    line: int,
    column: int,
    owner: str,
    found: dict[tuple[int, str], Diagnostic],
) -> None:
    if template is None or (isinstance(template, Template) and template.is_constant):
        return
    pieces = template.pieces if isinstance(template, Template) else (template,)
    for piece in pieces:
        if isinstance(piece, str):
            continue
        try:
            evaluate.value(piece, scope)
        except MissingInput as error:
            found[line, error.name] = Diagnostic(
                file=file,
                line=line,
                column=column,
                end_line=line,
                end_column=column,
                severity="error",
                rule="unknown-member",
                message=f"{error.message}, which `{owner}` needs",
                hint=error.hint,
            )
        except (UserError, _Undecided):
            pass  # decided, or reported, when the task is about to start


def _templates(task: Task) -> Iterator[Template | Expression | None]:
    if not isinstance(task.after, tuple):
        yield task.after
    yield task.condition
    yield from (entry.value for entry in task.env)
    yield from _patterns(task.filter.workspace)
    for directory, entries in task.filter.keyed:
        yield directory
        yield from _patterns(entries)
    if not isinstance(task.cache.enabled, bool):
        yield task.cache.enabled
    yield task.cache.ttl
    if not isinstance(task, CommandTask):
        yield from (value for _, value in task.parameters)
        return
    yield from (task.run, task.timeout, task.agent.cpus, task.agent.memory, task.outputs.logs_retention)
    yield from (artifact.path for artifact in task.outputs.artifacts)
    if task.retry is not None:
        yield from (task.retry.count, task.retry.condition)


def _patterns(entries: tuple[FilterEntry, ...] | Expression | None) -> Iterator[Template | Expression]:
    if isinstance(entries, tuple):
        yield from (entry.pattern for entry in entries)
    elif entries is not None:
        yield entries
