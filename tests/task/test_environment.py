"""How variables of the base, of used tasks and of the task itself add up."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.records import ExportedVariable
from engine.task.environment import DEFAULT_PATH, OwnVariable, Variable, assemble, in_cache_key


def export(name: str, value: str, in_cache_key: bool = True) -> ExportedVariable:
    return ExportedVariable(name=name, value=value, in_cache_key=in_cache_key)


def own(name: str, value: str | None, in_cache_key: bool | None = None) -> OwnVariable:
    return OwnVariable(name=name, value=value, in_cache_key=in_cache_key)


def values(environment: Mapping[str, Variable]) -> dict[str, str]:
    return {name: variable.value for name, variable in environment.items()}


def test_later_exports_win_and_the_task_itself_wins_over_all() -> None:
    environment = assemble(
        {"A": "base", "B": "base", "C": "base"},
        [[export("A", "one"), export("B", "one")], [export("B", "two")]],
        [own("C", "own")],
        {},
    )
    assert values(environment) == {"A": "one", "B": "two", "C": "own", "PATH": DEFAULT_PATH}


def test_path_is_joined_last_task_first_without_repeats() -> None:
    environment = assemble(
        {"PATH": "/bin:/usr/bin"}, [[export("PATH", "/a:/bin")], [export("PATH", "/b\n/a")]], [], {}
    )
    assert environment["PATH"].value == "/b:/a:/bin:/usr/bin"


def test_the_default_path_is_the_lowest_when_the_base_has_none() -> None:
    environment = assemble({}, [], [own("PATH", "/opt/bin")], {})
    assert environment["PATH"].value == f"/opt/bin:{DEFAULT_PATH}"


def test_merge_joins_another_variable_and_overrides_path() -> None:
    exports = [[export("FLAGS", "-a -b"), export("PATH", "/x")], [export("FLAGS", "-c -a")]]
    environment = assemble({"PATH": "/bin"}, exports, [], {"FLAGS": " ", "PATH": None})
    assert environment["FLAGS"].value == "-c -a -b"
    assert environment["PATH"].value == "/x"


def test_excluded_variables_are_not_in_the_key_until_they_are_taken_in() -> None:
    exports = [[export("SHA", "1234", in_cache_key=False)]]
    outside = assemble({}, exports, [own("TOKEN", "t", in_cache_key=False)], {})
    assert set(in_cache_key(outside)) == {"PATH"}
    inside = assemble({}, exports, [own("SHA", None, in_cache_key=True)], {})
    assert in_cache_key(inside)["SHA"] == "1234"


def test_taking_over_a_variable_that_nobody_set_makes_none() -> None:
    assert set(assemble({}, [], [own("NOBODY", None, in_cache_key=True)], {})) == {"PATH"}
