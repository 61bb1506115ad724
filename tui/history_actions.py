"""The actions of the history and of comparisons of runs, a part of the table in `tui.actions`."""

from __future__ import annotations

from functools import partial

from tui.action import Action, on_screen

_history = partial(on_screen, "history")
_compare = partial(on_screen, "compare")

HISTORY: tuple[Action, ...] = (
    _history(
        "open_run", "enter", "Open the run", "open", "Show the selected run; a past one as it was.", rank=2
    ),
    _history(
        "compare",
        "c",
        "Compare runs",
        "compare",
        "Compare the selected run, task by task, with the baseline or the run before it.",
        rank=3,
    ),
    _history(
        "baseline",
        "b",
        "Take the run as baseline",
        "baseline",
        "Compare other runs with the selected one.",
        rank=4,
    ),
    _history(
        "filter_runs",
        "/",
        "Filter the runs",
        "filter",
        "Show only runs whose definition, result or id contains a text.",
        rank=8,
    ),
    _compare(
        "changed_only",
        "d",
        "Only differences",
        "differences",
        "Show only tasks that differ between the two runs.",
        rank=3,
    ),
    _compare(
        "sort_compared",
        "s",
        "Change the order of the tasks",
        "order",
        "Sort by the largest difference, or in the order of the definition.",
        rank=4,
    ),
    _compare(
        "filter_compared",
        "/",
        "Filter the compared tasks",
        "filter",
        "Show only tasks whose name, state or reason contains a text.",
        rank=8,
    ),
)
