"""The footer: which keys it shows, where it drops them, what it says at the left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.themed_app import ThemedApp
from tui.model.footer import GAP, FooterEntry, fitting
from tui.widgets.status_bar import StatusBar

ENTRIES = st.lists(
    st.builds(
        FooterEntry,
        key=st.text("abc", min_size=1, max_size=3),
        words=st.text("xyz ", min_size=1, max_size=12),
        rank=st.integers(1, 6),
        action=st.just("screen.nothing"),
    ),
    max_size=12,
)


def words(app: ThemedApp) -> list[str]:
    return [entry.words for entry in app.work.query_one(StatusBar).keys]


def line(app: ThemedApp) -> str:
    bar = app.work.query_one(StatusBar)
    return "".join(segment.text for segment in bar.render_line(0)).rstrip()


@given(ENTRIES, st.integers(0, 120))
def test_what_fits_is_never_wider_than_the_line_and_never_leaves_out_a_better_rank(
    entries: list[FooterEntry], width: int
) -> None:
    kept = fitting(entries, width)
    assert (
        sum(len(it.key) + 1 + len(it.words) for it in kept) + GAP * max(len(kept) - 1, 0) <= width or not kept
    )
    worst = max((it.rank for it in kept), default=0)
    dropped = [it for it in entries if all(it is not other for other in kept)]
    assert all(it.rank >= worst for it in dropped)
    assert [it for it in entries if any(it is other for other in kept)] == kept


@given(ENTRIES, st.integers(0, 100), st.integers(0, 40))
def test_a_wider_line_only_adds(entries: list[FooterEntry], width: int, more: int) -> None:
    wide = fitting(entries, width + more)
    assert all(any(it is other for other in wide) for it in fitting(entries, width))


async def test_the_footer_shows_the_keys_that_work_here_and_now() -> None:
    app = ThemedApp()
    async with app.run_test(size=(200, 60)) as pilot:
        app.work.query_one("#graph").focus()
        await pilot.pause()
        assert words(app) == [
            "next error", "retry", "view", "filter", "zoom", "help", "palette", "quit",
        ]  # fmt: skip
        app.work.impossible = {"retry"}
        app.work.refresh_bindings()
        await pilot.pause()
        assert "retry" not in words(app)
        assert "cancel" in words(app)
        assert line(app).startswith(" e next error  x cancel  v view  / filter")


async def test_the_focus_decides_what_a_key_does() -> None:
    app = ThemedApp()
    async with app.run_test(size=(200, 60)) as pilot:
        app.work.query_one("#log").focus()
        await pilot.pause()
        assert "search" in words(app)
        assert "filter" not in words(app)
        await pilot.press("slash")
        app.work.query_one("#graph").focus()
        await pilot.pause()
        assert "search" not in words(app)
        await pilot.press("slash")
        assert app.work.done == ["search", "filter"]


@pytest.mark.parametrize("size", [(80, 24), (40, 24), (10, 10)])
async def test_a_narrow_line_keeps_the_best_ranks(size: tuple[int, int]) -> None:
    app = ThemedApp()
    async with app.run_test(size=size) as pilot:
        app.work.query_one("#graph").focus()
        await pilot.pause()
        shown = words(app)
        assert "help" in shown or size[0] == 10
        assert "wrap" not in shown
        assert len(line(app)) <= size[0]


async def test_a_click_on_a_key_runs_its_action() -> None:
    app = ThemedApp()
    async with app.run_test(size=(100, 30)) as pilot:
        app.work.query_one("#graph").focus()
        await pilot.pause()
        await pilot.click(StatusBar, offset=(line(app).index("retry"), 0))
        await pilot.pause()
        assert app.work.done == ["retry"]


async def test_the_left_side_says_what_holds_and_a_notice_comes_before_it() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.work.query_one(StatusBar)
        bar.show_state("filter: unit")
        await pilot.pause()
        assert line(app).startswith(" filter: unit  e next error")
        bar.show_notice("the engine\nis gone", is_error=True, seconds=0)
        await pilot.pause()
        assert line(app).startswith(" the engine is gone  ")
        bar.show_notice("x" * 100, seconds=0)
        await pilot.pause()
        assert line(app) == " " + "x" * (bar.size.width - 3) + "…"
        bar.clear_notice()
        bar.show_state("")
        await pilot.pause()
        assert line(app).startswith(" e next error")


async def test_a_notice_goes_by_itself() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.work.query_one(StatusBar)
        bar.show_notice("copied", seconds=0.01)
        await pilot.pause(0.1)
        assert "copied" not in line(app)


async def test_the_footer_uses_remapped_keys() -> None:
    app = ThemedApp({"retry": "f6", "zoom": "unbound"})
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.pause()
        assert "  f6 retry  " in line(app)
        assert "zoom" not in words(app)
