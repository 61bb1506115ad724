"""What one can choose when a run is started, and the request that comes of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from engine.api.messages import DefinitionSummary, Problem
from engine.model.request import RunRequest
from tui.format import Glyphs
from tui.model.spans import Row, Span


def first_choice(definition: DefinitionSummary, remembered: RunRequest | None) -> RunRequest:
    """What is chosen to begin with: the last choice, as far as the definition still has it."""
    if remembered is None:
        return RunRequest(definition=definition.path)
    names = {parameter.name for parameter in definition.init}
    return RunRequest(
        definition=definition.path,
        targets=tuple(task for task in definition.tasks if task in remembered.targets),
        init={name: text for name, text in remembered.init.items() if name in names},
        no_cache=remembered.no_cache is True,
        fail_fast=remembered.fail_fast,
    )


def starting_values(definition: DefinitionSummary, choice: RunRequest) -> dict[str, str]:
    """What stands in the field of each parameter."""
    return {
        parameter.name: choice.init.get(parameter.name, parameter.default or "")
        for parameter in definition.init
    }


def missing(definition: DefinitionSummary, values: Mapping[str, str]) -> tuple[str, ...]:
    """The parameters that must be given and are not."""
    return tuple(
        parameter.name
        for parameter in definition.init
        if parameter.default is None and not values.get(parameter.name)
    )


def request_for(
    definition: DefinitionSummary,
    targets: Collection[str],
    values: Mapping[str, str],
    *,
    no_cache: bool,
    fail_fast: bool,
) -> RunRequest:
    """The request; parameters that are as the definition has them are left to it."""
    init = {
        parameter.name: values[parameter.name]
        for parameter in definition.init
        if parameter.name in values and values[parameter.name] != parameter.default
    }
    return RunRequest(
        definition=definition.path,
        targets=tuple(task for task in definition.tasks if task in targets),
        init=init,
        no_cache=no_cache,
        fail_fast=fail_fast,
    )


def definition_row(definition: DefinitionSummary, name: str, glyphs: Glyphs, *, is_current: bool) -> Row:
    """One file to choose: its name, and how many tasks or problems it has."""
    row: Row = (Span(_mark(glyphs, is_current), "edge-active"), Span(name, bold=is_current))
    if definition.problems:
        count = len(definition.problems)
        words = f"  {glyphs.glyph('failed')} {count} problem{'s' if count > 1 else ''}"
        return (*row, Span(words, "diag-error"))
    count = len(definition.tasks)
    return (*row, Span(f"  {count} task{'' if count == 1 else 's'}", "dim-text"))


def target_row(task: str, glyphs: Glyphs, *, is_chosen: bool, is_current: bool) -> Row:
    """One task to choose."""
    box = "[x] " if is_chosen else "[ ] "
    return (
        Span(_mark(glyphs, is_current), "edge-active"),
        Span(box, "task-ok" if is_chosen else "dim-text"),
        Span(task, bold=is_chosen),
    )


def problem_lines(problems: Collection[Problem], folder: str = "") -> str:
    """What is wrong with a definition, each with its place; `folder` goes without saying."""
    here = os.path.join(folder, "")
    lines = []
    for problem in problems:
        place = f"{problem.file}:{problem.line}"
        text = problem.text if place in problem.text else f"{place}:{problem.column}: {problem.text}"
        lines.append(text.removeprefix(here))
    return "\n".join(lines)


def _mark(glyphs: Glyphs, is_current: bool) -> str:
    if not is_current:
        return "  "
    return "▸ " if glyphs.is_unicode else "> "
