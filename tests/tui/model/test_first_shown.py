"""Which run the interface opens with."""

from __future__ import annotations

import msgspec
import pytest

from engine.api.messages import RunSummary
from engine.model.request import RunRequest
from tests.tui.fakes_runs import run_summary
from tui.model.first_shown import run_to_show

FILE = "/home/me/project/ci.yml"
BARE = RunRequest(definition=FILE)


def past(*changes: dict[str, object]) -> list[RunSummary]:
    """Newest first."""
    return [run_summary(900 - number, **change) for number, change in enumerate(changes)]


def test_a_run_in_progress_of_this_engine_is_attached_to() -> None:
    runs = past({}, {"result": "running", "is_ours": True})
    assert run_to_show(BARE, runs) == runs[1].run


def test_a_run_in_progress_elsewhere_is_watched_if_none_of_this_engine_goes_on() -> None:
    elsewhere: dict[str, object] = {"result": "running"}
    runs = past({}, elsewhere)
    assert run_to_show(BARE, runs) == runs[1].run
    runs = past(elsewhere, {"result": "running", "is_ours": True})
    assert run_to_show(BARE, runs) == runs[1].run


def test_a_run_of_another_definition_is_not() -> None:
    assert run_to_show(BARE, past({"result": "running", "is_ours": True, "definition": "/other.yml"})) is None


def test_a_run_that_ended_unseen_is_shown_if_it_is_the_newest() -> None:
    runs = past({"is_unseen": True}, {})
    assert run_to_show(BARE, runs) == runs[0].run
    assert run_to_show(BARE, past({}, {"is_unseen": True})) is None


@pytest.mark.parametrize("change", [{"targets": ("unit",)}, {"no_cache": True}, {"init": {"a": "b"}}])
def test_who_says_more_than_the_definition_gets_a_run_of_their_own(change: dict[str, object]) -> None:
    request = msgspec.structs.replace(BARE, **change)
    assert run_to_show(request, past({"is_unseen": True})) is None
    assert run_to_show(request, past({"result": "running", "is_ours": True})) is None


def test_a_run_in_progress_with_the_same_targets_and_parameters_is_attached_to() -> None:
    request = RunRequest(definition=FILE, targets=("unit",), init={"a": "b"})
    runs = past({"result": "running", "is_ours": True, "targets": ("unit",), "init": {"a": "b", "c": "d"}})
    assert run_to_show(request, runs) == runs[0].run
