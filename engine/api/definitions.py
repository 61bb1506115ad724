"""The run definitions that a run can be started from, as the dialog for it shows them."""

from __future__ import annotations

import os

import msgspec

from engine.api.messages import DefinitionSummary, InitParameter
from engine.definition.cached import load_cached
from engine.definition.initial import initial_parameters
from engine.execution.loaded_run import project_root_of
from engine.git.repository import describe_head
from engine.model.errors import DefinitionError, UsageError
from engine.model.run_definition import RunDefinition
from engine.worker_messages import refusal_of


def definition_summary(path: str, cache: str) -> DefinitionSummary:
    """What one file (an absolute path) offers; UsageError when it is no run definition that can be read."""
    if not os.path.isabs(path) or not path.endswith((".yml", ".yaml")):
        raise UsageError(f"`{path}` is no absolute path of a `.yml` or `.yaml` file")
    if not os.path.isfile(path):
        raise UsageError(f"there is no file `{path}`")
    loaded = load_cached(path, cache)
    errors = tuple(finding for finding in loaded.diagnostics if finding.severity == "error")
    problems = refusal_of(DefinitionError(errors)).problems
    definition = loaded.definition
    if definition is None:
        return DefinitionSummary(path=path, problems=problems)
    return DefinitionSummary(
        path=path,
        tasks=tuple(task.key for task in definition.tasks),
        init=_parameters(definition),
        problems=problems,
    )


def _parameters(definition: RunDefinition) -> tuple[InitParameter, ...]:
    """Those of `on.cli.init` with their values here and now, then those that tasks need besides."""
    defaults: dict[str, str | None] = dict.fromkeys(name for name, _ in definition.init)
    try:
        git = msgspec.structs.asdict(describe_head(project_root_of(definition)))
        defaults.update(initial_parameters(definition, git, {}))
    except DefinitionError:
        pass  # what can't be evaluated must be given
    needed = dict.fromkeys(parameter.name for parameter in definition.needed_parameters)
    return tuple(InitParameter(name=name, default=defaults.get(name)) for name in {**defaults, **needed})
