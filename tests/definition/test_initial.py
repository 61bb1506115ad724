"""Init parameters: `on.cli.init`, overridden by the command line (reference §22)."""

from __future__ import annotations

import pytest

from engine.definition.initial import initial_parameters, title
from engine.model.errors import DefinitionError
from engine.model.run_definition import RunDefinition
from tests.definition.conftest import LoadText


def _definition(load_text: LoadText, trigger: str) -> RunDefinition:
    text = f'on: {{cli: {trigger}}}\nbase: {{image: "host:", config: none}}\ntasks: [{{key: a, run: x}}]\n'
    definition = load_text(text).definition
    assert definition is not None
    return definition


def test_parameters_are_evaluated_with_the_repository_and_overridden(load_text: LoadText) -> None:
    definition = _definition(
        load_text, '{init: {sha: "${{ event.git.sha }}", tag: "x${{ event.git.tag }}", n: 1.0}}'
    )
    found = initial_parameters(definition, {"sha": "abc"}, {"n": "2", "more": "z"})
    assert found == {"sha": "abc", "tag": "x", "n": "2", "more": "z"}


def test_a_parameter_that_has_no_value_is_the_definitions_fault(load_text: LoadText) -> None:
    definition = _definition(load_text, '{init: {a: "${{ event.pull.number }}"}}')
    with pytest.raises(DefinitionError, match=r"in `on.cli.init.a`"):
        initial_parameters(definition, {}, {})
    assert initial_parameters(definition, {}, {"a": "given"}) == {"a": "given"}


def test_the_title_is_evaluated(load_text: LoadText) -> None:
    assert (
        title(_definition(load_text, '{title: "on ${{ event.git.branch }}"}'), {"branch": "main"})
        == "on main"
    )
    assert title(_definition(load_text, "{}"), {}) == ""
