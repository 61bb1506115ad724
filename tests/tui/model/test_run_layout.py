"""Panes of the run screen by view, zoom and width."""

from __future__ import annotations

from itertools import product

import pytest

from tui.model.run_layout import VIEWS, Pane, View, next_view, panes, tasks_pane

ZOOMS: tuple[Pane | None, ...] = (None, "graph", "list", "lanes", "panel")


@pytest.mark.parametrize("view, zoomed, is_narrow", list(product(VIEWS, ZOOMS, (True, False))))
def test_there_is_always_something_and_a_zoomed_pane_is_alone(
    view: View, zoomed: Pane | None, is_narrow: bool
) -> None:
    shown = panes(view, zoomed, is_narrow=is_narrow)
    if zoomed is not None:
        assert len(shown) == 1
    else:
        assert {"panel", tasks_pane(view)} <= shown
        assert "lanes" in shown or is_narrow


def test_the_views_come_round() -> None:
    seen = [VIEWS[0]]
    while (view := next_view(seen[-1])) != VIEWS[0]:
        seen.append(view)
    assert tuple(seen) == VIEWS


def test_zoomed_tasks_stay_zoomed_when_the_view_changes() -> None:
    assert panes("rails", "graph", is_narrow=False) == {"list"}
    assert panes("graph", "list", is_narrow=True) == {"graph"}
