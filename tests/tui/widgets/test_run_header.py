"""The line over a run."""

from __future__ import annotations

import pytest

from engine.progress.width import cells
from engine.usage import Usage
from tests.tui.synthetic import RUN, START, synthetic_model, synthetic_run
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.header_parts import header_row
from tui.model.run_model import Dirty, RunModel
from tui.model.spans import row_cells, row_text
from tui.widgets.run_header import RunHeader


def model_at(progress: float, **estimates: float) -> RunModel:
    model = synthetic_model(60, 3, progress=progress)
    model.estimates = estimates or dict.fromkeys(model.state.tasks, 8.0)
    return model


async def shown(model: RunModel, width: int, glyphs: Glyphs | None = None) -> str:
    header = RunHeader(glyphs or Glyphs())
    async with WidgetApp(header).run_test(size=(width, 24)):
        header.show(model)
        header.tick(model.last_at + 1)
        return lines_of(header)[0]


async def test_on_a_wide_screen_it_tells_everything() -> None:
    line = await shown(model_at(0.4), 200)
    assert line.startswith(f" outcrop ▸ ci.yml ▸ run {RUN[:10]}  ●8 ◆15 ◐8 ○27  0:19 / ~1:0")
    assert "cpu 7/8  mem 5.5/16G  cached 65% (−4m08s)" in line
    assert "━━━" in line


async def test_on_a_screen_of_80_columns_it_tells_what_matters_most() -> None:
    line = await shown(model_at(0.4), 80)
    assert line.rstrip() == f" ci.yml ▸ run {RUN[:10]}  ●8 ◆15 ◐8 ○27  0:19 / ~1:01  cpu 7/8  cached 65%"


@pytest.mark.parametrize("progress", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("width", [*range(40, 130, 7), 300])
@pytest.mark.parametrize("is_unicode", [True, False])
def test_it_fits_from_40_columns_on_with_time_and_failures(
    progress: float, width: int, is_unicode: bool
) -> None:
    model = model_at(progress)
    row = header_row(model, model.last_at, "~1:01", Glyphs(is_unicode=is_unicode), width)
    text = row_text(row)
    assert row_cells(row) <= width
    assert is_unicode or text.isascii()
    assert ":" in text
    if progress == 1.0:
        assert "failed" in text


async def test_the_end_of_a_run_is_a_word_and_what_it_used_goes() -> None:
    line = await shown(model_at(1.0), 200)
    assert "✖ failed" in line
    assert "cpu" not in line
    assert "~" not in line


async def test_a_run_whose_engine_died_says_so_and_its_clock_stands() -> None:
    model = model_at(0.4)
    model.cut_by = "engine gone"
    line = await shown(model, 110)
    assert "✖ engine gone" in line
    assert "0:18  " in line


async def test_without_samples_the_reserved_cores_count() -> None:
    model = RunModel(RUN)
    model.take(synthetic_run(60, 3, progress=0.4))
    reserved = sum(len(model.state.tasks[task].cores) for task in model.state.running)
    assert f"cpu {reserved}/8" in await shown(model, 110)


async def test_the_clock_goes_on_between_events() -> None:
    model, header = model_at(0.4), RunHeader(Glyphs())
    async with WidgetApp(header).run_test(size=(80, 24)):
        header.show(model)
        header.tick(START + 61)
        assert "1:01 /" in lines_of(header)[0]
        header.tick(START + 62.5)
        assert "1:02 /" in lines_of(header)[0]


async def test_an_event_shows_at_once() -> None:
    events = synthetic_run(60, 3, progress=1.0)
    model, header = RunModel(RUN), RunHeader(Glyphs())
    async with WidgetApp(header).run_test(size=(80, 24)):
        header.show(model)
        assert lines_of(header)[0].split() == ["outcrop", "▸", "run", RUN[:10]]
        for event in events:
            dirty: Dirty = model.take([event])
            header.changed(dirty)
        assert "failed" in lines_of(header)[0]


def test_nothing_is_known_of_a_run_that_has_not_begun() -> None:
    row = header_row(RunModel("0123456789abcdef"), 0.0, "", Glyphs(), 80)
    assert row_text(row) == " outcrop ▸ run 0123456789"


def test_a_sample_that_is_old_is_not_shown() -> None:
    model = model_at(0.4)
    model.samples.append(Usage(at=model.last_at, run=RUN, busy=(1.0,) * 8, memory=1, memory_total=2))
    fresh = row_text(header_row(model, model.last_at + 1, "", Glyphs(), 300))
    stale = row_text(header_row(model, model.last_at + 60, "", Glyphs(), 300))
    assert "mem" in fresh
    assert "mem" not in stale
    assert cells(stale) < cells(fresh)


def test_a_past_run_says_when_it_ended() -> None:
    model = model_at(1.0)
    ended = model.last_at

    def text(seconds: float, width: int = 200) -> str:
        return row_text(header_row(model, ended + seconds, "", Glyphs(), width))

    assert "ago" not in text(30)
    assert " failed  3m ago  " in text(200)
    assert "ago" not in text(200, 60)
