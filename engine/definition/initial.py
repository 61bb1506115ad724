"""The init parameters of a run: `on.cli.init`, overridden by the command line (reference §22)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.definition import evaluate
from engine.model.diagnostic import Diagnostic
from engine.model.errors import DefinitionError, UserError
from engine.model.run_definition import RunDefinition

GIT_MEMBERS = ("branch", "sha", "ref", "tag", "url")


def initial_parameters(
    definition: RunDefinition, git: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, str]:
    """Name -> value. `git`: branch, sha, ref, tag and url of HEAD; absent ones are empty.

    A parameter given by `overrides` is not evaluated. DefinitionError when another one cannot be.
    """
    scope = {"event": {"git": {name: git.get(name, "") for name in GIT_MEMBERS}}, "run": _run(definition)}
    values: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for name, template in definition.init:
        if name in overrides:
            continue
        try:
            values[name] = evaluate.text(template, scope)
        except UserError as error:
            problems.append(
                Diagnostic(
                    file=definition.path,
                    line=1,
                    column=1,
                    end_line=1,
                    end_column=1,
                    severity="error",
                    rule="unknown-member",
                    message=f"{error.message}, in `on.cli.init.{name}`",
                    hint=error.hint,
                )
            )
    if problems:
        raise DefinitionError(tuple(problems))
    return {**values, **overrides}


def _run(definition: RunDefinition) -> dict[str, str]:
    return {"dir": definition.run_dir, "mint-dir": definition.run_dir}


def title(definition: RunDefinition, git: Mapping[str, str]) -> str:
    """`on.cli.title` evaluated; empty when there is none or it cannot be."""
    if definition.title is None:
        return ""
    scope = {"event": {"git": {name: git.get(name, "") for name in GIT_MEMBERS}}, "run": _run(definition)}
    try:
        return evaluate.text(definition.title, scope)
    except UserError:
        return ""
