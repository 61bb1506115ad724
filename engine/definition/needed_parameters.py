"""The init parameters that a definition cannot do without (reference §21)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.definition.checking import TemplateUse
from engine.definition.document import Document
from engine.definition.mentions import Chain, mentions
from engine.definition.suggestions import did_you_mean
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression
from engine.model.run_definition import NeededParameter


def needed_parameters(document: Document) -> tuple[NeededParameter, ...]:
    """Every `init.NAME` in a template, in whatever branch of an expression; once for a task and place."""
    keys = {id(task): key for key, task in document.by_key.items()}
    found: dict[tuple[str, str, int, int], NeededParameter] = {}
    for use in document.check.uses:
        for name in _names(use):
            node, task = use.node, keys.get(id(use.owner), "")
            found.setdefault(
                (name, task, node.line, node.column),
                NeededParameter(
                    name=name,
                    task=task,
                    place=use.label,
                    line=node.line,
                    column=node.column,
                    end_line=node.end_line,
                    end_column=node.end_column,
                ),
            )
    return tuple(found.values())


def missing_parameters(
    file: str, needed: Collection[NeededParameter], tasks: Collection[str], given: Collection[str]
) -> tuple[Diagnostic, ...]:
    """An error for each place in these tasks, or outside of any, that mentions a parameter not given."""
    found = (
        Diagnostic(
            file=file,
            line=parameter.line,
            column=parameter.column,
            end_line=parameter.end_line,
            end_column=parameter.end_column,
            severity="error",
            rule="unknown-member",
            message=f"there is no init parameter `{parameter.name}`, in {parameter.place}",
            hint=did_you_mean(parameter.name, given)
            or f"give it with `--init {parameter.name}=VALUE`, or in `on.cli.init`",
        )
        for parameter in needed
        if parameter.name not in given and (not parameter.task or parameter.task in tasks)
    )
    return tuple(dict.fromkeys(found))


def _names(use: TemplateUse) -> Iterator[str]:
    for piece in use.template.pieces:
        if not isinstance(piece, str):
            yield from _names_in(piece)


def _names_in(expression: Expression) -> Iterator[str]:
    for found in mentions(expression):
        if (
            isinstance(found, Chain)
            and found.root == "init"
            and found.members
            and not found.is_optional_at(min(1, len(found.members) - 1))
        ):
            name = found.members[0]
            if name is not None:
                yield name
