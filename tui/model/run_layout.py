"""Which panes of the run screen are shown, by view, zoom and width."""

from __future__ import annotations

from typing import Literal

View = Literal["graph", "rails", "tree", "lanes"]
Pane = Literal["graph", "list", "lanes", "panel"]
VIEWS: tuple[View, ...] = ("graph", "rails", "tree", "lanes")
_TASKS: dict[View, Pane] = {"graph": "graph", "rails": "list", "tree": "list", "lanes": "lanes"}


def next_view(view: View) -> View:
    """The view after this one, and round again."""
    return VIEWS[(VIEWS.index(view) + 1) % len(VIEWS)]


def tasks_pane(view: View) -> Pane:
    """The pane that shows the tasks in this view."""
    return _TASKS[view]


def panes(view: View, zoomed: Pane | None, *, is_narrow: bool, is_tall: bool = False) -> frozenset[Pane]:
    """What is shown. A zoomed pane is alone; zoomed tasks stay so when the view changes.

    Where there is room below the graph, the list says in words what the graph says in glyphs.
    """
    tasks = tasks_pane(view)
    if zoomed == "panel":
        return frozenset(("panel",))
    if zoomed == "lanes":
        return frozenset(("lanes",))
    if zoomed is not None:
        return frozenset((tasks,))
    if is_narrow:
        return frozenset((tasks, "panel"))
    if is_tall and tasks == "graph":
        return frozenset(("graph", "list", "lanes", "panel"))
    return frozenset((tasks, "lanes", "panel"))
