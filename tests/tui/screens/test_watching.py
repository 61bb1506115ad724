"""Watching on the run screen, on an engine in memory: keys, cycles, a definition that is being written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from textual.events import AppBlur, AppFocus

from engine.model.request import RunRequest
from tests.tui.run_screen import BEGUN, NORMAL, RUN, WIDE, Shown, begins, command, ends, over, showing
from tests.tui.synthetic import START
from tests.tui.watching import (
    IDLE,
    broken,
    cancelled,
    concerns,
    cycle,
    cycle_finished,
    cycle_started,
    defines,
    removes,
    watch_ended,
    watch_started,
)
from tui.active_actions import offered_actions
from tui.screens.confirm import ChoiceScreen


def screen_text(shown: Shown) -> str:
    return "\n".join(strip.text for strip in shown.app.screen._compositor.render_strips())


@asynccontextmanager
async def idle(size: tuple[int, int] = NORMAL) -> AsyncIterator[Shown]:
    """A watched run of which every task has succeeded."""
    async with showing(*IDLE, size=size) as shown:
        yield shown


@pytest.mark.parametrize("key", ["w", "W"])
async def test_a_key_turns_watching_on_and_off_for_a_run_that_goes_on(key: str) -> None:
    async with showing(*BEGUN) as shown:
        shown.screen.panes.focus_tasks()
        await shown.press(key)
        await shown.until(lambda: len(shown.engine.asked) == 1)
        await shown.say(watch_started(2.0))
        await shown.press(key)
        await shown.until(lambda: len(shown.engine.asked) == 2)
    assert shown.engine.asked == [("watch", RUN, True), ("watch", RUN, False)]


async def test_the_footer_and_the_palette_say_what_the_key_would_do_now() -> None:
    async with showing(*BEGUN, size=WIDE) as shown:
        shown.screen.panes.focus_tasks()
        assert "W watch " in screen_text(shown)
        await shown.say(watch_started(2.0))
        assert "W stop watching " in screen_text(shown)
        words = {it.action.id: it.words for it in offered_actions(shown.app.screen)}
        assert words["watch"] == "Stop watching for changes"
        await shown.say(watch_ended(3.0))
        assert "W watch " in screen_text(shown)


async def test_in_the_log_the_small_letter_wraps_its_lines() -> None:
    async with showing(*BEGUN, size=WIDE) as shown:
        log = shown.screen.panes.log_view
        log.focus()
        await shown.press("w")
        assert log.wrap
        assert shown.engine.asked == []
        shown.screen.panes.focus_tasks()
        await shown.press("w")
        assert log.wrap
        await shown.until(lambda: bool(shown.engine.asked))


async def test_after_the_run_the_key_starts_one_that_watches() -> None:
    async with showing(*BEGUN, ends("deps"), over()) as shown:
        await shown.press("W")
        await shown.until(lambda: bool(shown.engine.asked))
        ((name, request),) = shown.engine.asked
        assert name == "start"
        assert isinstance(request, RunRequest)
        assert (request.watch, request.targets) == (True, ("unit",))


async def test_while_it_waits_no_time_passes_and_the_screen_rests() -> None:
    async with idle() as shown:
        await shown.until(lambda: not shown.screen.is_ticking)
        assert "↻ watch · cycle 1  ● succeeded" in screen_text(shown)
        await shown.say(cycle_started(2, 6.0, "src/a.py"), concerns("unit", 6.0))
        assert shown.screen.is_ticking
        assert "cycle 2 · 1 affected" in screen_text(shown)


async def test_what_a_change_concerns_is_marked_in_graph_and_list() -> None:
    async with idle((160, 44)) as shown:
        await shown.say(cycle_started(2, 9.5, "src/a.py"), concerns("unit", 9.5))
        lines = [line for line in screen_text(shown).splitlines() if "unit" in line and "↻" in line]
        assert len(lines) >= 2
        assert any("↻ affected" in line for line in lines)
        assert not any("↻" in line for line in screen_text(shown).splitlines() if "lint" in line)


async def test_a_definition_that_is_being_written_is_told_above_the_last_good_graph() -> None:
    async with idle() as shown:
        await shown.say(broken(5.0))
        assert "outcrop.yml:3:5: unknown field `rum`" in shown.screen.banner.text
        text = screen_text(shown)
        assert "stays in force" in text
        assert "unit" in text
        await shown.say(defines(6.0))
        assert shown.screen.banner.text == ""


async def test_tasks_come_and_go_and_the_selection_stays() -> None:
    async with idle((160, 44)) as shown:
        shown.screen.attending.select("unit")
        await shown.say(
            defines(5.0, command("docs", "deps")), cycle_started(2, 5.0, "outcrop.yml"), removes(5.0, "lint")
        )
        assert shown.screen.selected == "unit"
        text = screen_text(shown)
        assert "docs" in text
        assert "lint" not in text


async def test_a_selected_task_that_goes_is_selected_again_when_it_comes_back() -> None:
    async with idle() as shown:
        shown.screen.attending.select("lint")
        await shown.say(cycle_started(2, 5.0, "outcrop.yml"), removes(5.0, "lint"))
        assert shown.screen.selected not in (None, "lint")
        await shown.say(cycle_started(3, 6.0, "outcrop.yml"), defines(6.0, command("lint", "deps")))
        await shown.until(lambda: shown.screen.selected == "lint")


@pytest.mark.parametrize("view", ["graph", "rails", "tree"])
async def test_a_picture_below_a_dialog_outlives_the_tasks_in_it(view: str) -> None:
    async with idle((160, 44)) as shown:
        shown.screen.panes.use_view(view)  # type: ignore[arg-type]  # one of them
        await shown.press("q")
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.say(cycle_started(2, 5.0, "outcrop.yml"), removes(5.0, "lint", "unit"))
        shown.screen.panes.graph.refresh()
        shown.screen.panes.list.refresh()
        await shown.pilot.pause()
        await shown.press("escape")
        assert "lint" not in screen_text(shown)


async def test_leaving_a_run_that_waits_asks_whether_to_stop_watching() -> None:
    async with idle() as shown:
        await shown.press("q")
        assert "Stop watching?" in screen_text(shown)
        await shown.press("s")
        await shown.until(lambda: bool(shown.engine.asked))
        assert shown.engine.asked == [("watch", RUN, False)]
        shown.engine.say(RUN, watch_ended(8.0), over(8.0))
        await shown.until(lambda: not shown.app.is_running or shown.app._exit)
        assert shown.screen.shown is not None
        assert shown.screen.shown.succeeded


def listened(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What is told to whom: (text, whether somebody looks)."""
    told: list[tuple[str, bool]] = []

    def tell(mark: str, text: str, *, is_looked_at: bool) -> None:
        told.append((f"{mark} {text}", is_looked_at))

    monkeypatch.setattr(shown.app.notifications, "tell", tell)
    return told


async def test_a_turn_is_told_when_it_has_just_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    async with idle() as shown:
        told = listened(shown, monkeypatch)
        await shown.say(*cycle(2, 5.0, "lint", "unit", exit_code=1))
        await shown.until(lambda: told == [("✖ x: unit failed", False)])
        shown.app.post_message(AppBlur())
        shown.app.post_message(AppFocus())
        await shown.pilot.pause()
        await shown.say(*cycle(3, 7.0, "unit"))
        await shown.until(lambda: told[1:] == [("● x: all tasks succeed again", True)])
        shown.app.post_message(AppBlur())
        await shown.pilot.pause()
        await shown.say(*cycle(4, 8.5, "unit", exit_code=1))
        await shown.until(lambda: told[2:] == [("✖ x: unit failed", False)])


async def test_what_someone_has_cancelled_is_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with idle() as shown:
        told = listened(shown, monkeypatch)
        await shown.say(cycle_started(2, 5.0, "a"), concerns("unit", 5.0), begins("unit", 5.0))
        await shown.say(cancelled("unit", 6.0), cycle_finished(2, 6.0, "unit", is_green=False))
        await shown.say(*cycle(3, 7.0, "unit"))
        await shown.say(*cycle(4, 8.5, "unit", exit_code=1))
        await shown.until(lambda: told == [("✖ x: unit failed", False)])


async def test_the_turns_of_the_past_are_not_told_to_who_attaches(monkeypatch: pytest.MonkeyPatch) -> None:
    past = (*IDLE, *cycle(2, 5.0, "unit", exit_code=1))
    async with showing(*(msgspec.structs.replace(event, at=event.at - 100) for event in past)) as shown:
        told = listened(shown, monkeypatch)
        await shown.say(*cycle(3, -90.0, "unit"))
        await shown.pilot.pause()
        assert told == []


async def test_why_changes_are_looked_for_now_and_then_is_told_once() -> None:
    async with showing(*BEGUN) as shown:
        await shown.say(watch_started(2.0, "too few watches: raise fs.inotify.max_user_watches"))
        await shown.until(lambda: len(shown.app._notifications) == 1)
        await shown.say(*IDLE[-3:])
        assert len(shown.app._notifications) == 1


async def test_a_breakpoint_can_be_set_on_what_has_ended_for_when_it_runs_again() -> None:
    async with idle() as shown:
        shown.screen.attending.select("unit")
        await shown.press("b")
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.press("a")
        await shown.until(lambda: shown.engine.asked == [("break_at", RUN, ("unit", "after"))])
        await shown.say(watch_ended(5.0), over(5.0))
        await shown.press("b")
        assert not isinstance(shown.app.screen, ChoiceScreen)


async def test_what_came_while_a_shell_had_the_terminal_is_not_marked_as_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with idle((160, 44)) as shown:
        await shown.until(lambda: not shown.screen.is_ticking)
        monkeypatch.setattr(shown.screen, "_clock", lambda: START + 70)
        await shown.say(*cycle(2, 10.0, "unit"))
        assert "cycle 2" in screen_text(shown)
        assert "↻ affected" not in screen_text(shown)


async def test_a_mark_is_gone_after_a_while_on_another_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with idle((160, 44)) as shown:
        await shown.say(cycle_started(2, 9.5, "a"), concerns("lint", 9.5), concerns("unit", 9.5))
        await shown.say(begins("lint", 9.6), ends("lint", 9.7), begins("unit", 9.8))
        assert "↻ affected" in screen_text(shown)
        await shown.press("4")
        await shown.until(lambda: shown.app.screen is not shown.screen)
        monkeypatch.setattr(shown.screen, "_clock", lambda: START + 70)
        await shown.press("1")
        await shown.until(lambda: "↻ affected" not in screen_text(shown))
