"""The actions of the run screen, a part of the table in `tui.actions`."""

from __future__ import annotations

from functools import partial

from tui.action import Action, on_screen, on_widget

_run = partial(on_screen, "run")


def _pan(direction: str) -> Action:
    way = f"to the {direction}" if direction in ("left", "right") else direction
    return on_widget(
        f"pan_{direction}",
        f"shift+{direction}",
        f"Pan the graph {direction}",
        f"pan {direction}",
        f"Move the view over the graph {way}; the selection stays.",
        "graph",
    )


STEERING: tuple[Action, ...] = (
    _run(
        "next_error",
        "e",
        "Next failed task",
        "next error",
        "Select the next task that failed, and show how; once more: the first error of its log.",
        rank=3,
    ),
    _run(
        "retry", "r", "Retry the task", "retry", "Run the failed task again, also while others run.", rank=3
    ),
    _run(
        "retry_failed",
        "ctrl+r",
        "Retry all failed tasks",
        "retry failed",
        "Run again what failed, and what waited for it.",
    ),
    _run(
        "rerun_no_cache",
        "R",
        "Run again without cache",
        "no cache",
        "Start the run again and execute every task.",
    ),
    _run("cancel_task", "x", "Cancel the task", "cancel", "Stop the selected task.", rank=4),
    _run("cancel_run", "X", "Cancel the run", "cancel run", "Stop every task of the run; asks first."),
    _run(
        "watch",
        "W w",
        "Watch for changes",
        "watch",
        "When a file is saved, run again what it affects, and nothing else; or stop doing so.",
        rank=9,
        words_on="Stop watching for changes",
        short_on="stop watching",
    ),
    _run(
        "keep_going",
        "K",
        "Keep going after failures",
        "keep going",
        "After a failure, start what does not need it; or stop doing so.",
        words_on="Stop at the first failure",
        short_on="stop at failure",
    ),
)

_GRAPH = (
    _run(
        "view_cycle", "v", "Change the view", "view", "Graph, rails, tree, lanes, in turn.", "graph", rank=7
    ),
    _run(
        "cone",
        "f",
        "Only what belongs to the task",
        "cone",
        "Show only what the task needs and what needs it.",
        "graph",
    ),
    _run(
        "failed_only",
        "F",
        "Only failed tasks",
        "failed",
        "Show only what failed and what it needed.",
        "graph",
    ),
    _run(
        "zoom_graph",
        "Z",
        "Zoom to the neighbourhood",
        "near",
        "Show the tasks next to the selected one.",
        "graph",
    ),
    _run(
        "sort_tasks",
        "O",
        "Change the order of the list",
        "order",
        "List the tasks by definition, duration or state, in turn.",
        "graph",
    ),
    _run(
        "filter",
        "/",
        "Filter the tasks",
        "filter",
        "Show only tasks whose name contains a text.",
        "graph",
        rank=8,
    ),
    on_widget(
        "open",
        "enter",
        "Open the task",
        "open",
        "Go to the log of the selected task; in its details, to the task or address there.",
        "graph",
        "lanes",
        "facts",
    ),
    Action(
        id="toggle_group",
        keys=("space",),
        words="Open or close the group",
        short="group",
        help="Show the tasks of a parallel group one by one, or as one.",
        groups=("graph",),
    ),
    *(_pan(direction) for direction in ("left", "right", "up", "down")),
)

_LOG = (
    Action(
        id="search",
        keys=("/",),
        words="Search the log",
        short="search",
        help="Search the whole log, with a regular expression.",
        groups=("log",),
        rank=4,
    ),
    _run("next_match", "n", "Next match", "next", "Go to the next match of the search.", "log", rank=8),
    _run("previous_match", "N", "Previous match", "previous", "Go to the match before.", "log"),
    _run(
        "matching_only",
        "&",
        "Only matching lines",
        "matches",
        "Show only the lines that match the search.",
        "log",
    ),
    _run(
        "first_error",
        "E",
        "First error in the log",
        "first error",
        "Go to the first line that reads like an error.",
        "log",
    ),
    _run(
        "follow",
        ".",
        "Follow the log",
        "follow",
        "Stay at the end of the log as it grows, or stop doing so.",
        "log",
    ),
    Action(
        id="wrap",
        keys=("w",),
        words="Wrap long lines",
        short="wrap",
        help="Break long lines of the log, or cut them.",
        groups=("log",),
        rank=10,
    ),
    _run("timestamps", "t", "Show times", "times", "Show when each line was written.", "log", rank=10),
    _run(
        "full_log",
        "L",
        "Full log",
        "full log",
        "Give the log the whole screen, or take it back.",
        "log",
        rank=9,
    ),
)

_LANES = (
    _run(
        "lanes_zoom_in",
        "+ =",
        "Lanes: a shorter time",
        "zoom in",
        "Show less time in the CPU lanes.",
        "lanes",
    ),
    _run(
        "lanes_zoom_out", "-", "Lanes: a longer time", "zoom out", "Show more time in the CPU lanes.", "lanes"
    ),
)

_FACTS = (
    on_widget(
        "filter_facts",
        "/",
        "Filter the variables",
        "filter",
        "Show only variables whose name or value contains a text.",
        "facts",
        rank=8,
    ),
)

_INSPECTING = (
    Action(
        id="inspect_task",
        keys=("i",),
        words="Inspect the files of the task",
        short="files",
        help="Show the layers and files of the selected task, and what it changed.",
        groups=("run",),
        place="app",
        rank=5,
    ),
)

LOOKING: tuple[Action, ...] = (*_GRAPH, *_LOG, *_LANES, *_FACTS, *_INSPECTING)
