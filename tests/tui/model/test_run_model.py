"""What a model knows of a run besides its state."""

from __future__ import annotations

from tests.tui.synthetic import RUN, START, synthetic_run, synthetic_usage
from tui.model.run_model import RunModel


def test_a_run_that_is_cut_off_ended_when_something_was_last_heard_of_it() -> None:
    model, events = RunModel(RUN), synthetic_run(40, 1, progress=0.5)
    model.take(events)
    silence = events[-1].at + 30.0
    model.take(synthetic_usage(events, until=silence))
    model.cut_by = "engine gone"
    assert model.ended_at == model.last_at
    assert silence - 1.0 < model.last_at <= silence


def test_a_sample_that_comes_late_does_not_lengthen_a_run() -> None:
    model, events = RunModel(RUN), synthetic_run(40, 1, progress=1.0)
    model.take([*events, *synthetic_usage(events, until=events[-1].at + 5.0)])
    assert model.last_at == model.ended_at == events[-1].at > START
