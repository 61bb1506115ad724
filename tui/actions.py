"""The table of actions: keys, footer, help and palette are all made of it.

A screen or widget takes the bindings of its groups from `tui.bindings.bindings_for`; the method that
carries an action out is `action_<id>` of the action's `place`. What has no such method where one is,
or whose `check_action` says no, is neither shown nor offered.

Keys: one group never has a key twice. A focused widget's group comes before that of its screen, and
a screen's before `everywhere`; the keys that differ in meaning on purpose are in `tui.action.SHADOWS`.
"""

from __future__ import annotations

from tui.action import Action, Group
from tui.failure_actions import FAILURE
from tui.inspect_actions import INSPECT


def _move(action: str, keys: str, words: str, help_text: str) -> Action:
    return Action(
        id=action,
        keys=tuple(keys.split()),
        words=words,
        short=words.lower(),
        help=help_text,
        groups=("move",),
        place="widget",
    )


def _pan(direction: str) -> Action:
    return Action(
        id=f"pan_{direction}",
        keys=(f"shift+{direction}",),
        words=f"Pan the graph {direction}",
        short=f"pan {direction}",
        help=f"Move the view over the graph to the {direction}; the selection stays."
        if direction in ("left", "right")
        else f"Move the view over the graph {direction}; the selection stays.",
        groups=("graph",),
        place="widget",
    )


def _run(
    action: str, keys: str, words: str, short: str, help_text: str, *groups: Group, rank: int = 0
) -> Action:
    """An action of the run screen, wherever the focus is; its heading is the first of `groups`."""
    return Action(
        id=action,
        keys=tuple(keys.split()),
        words=words,
        short=short,
        help=help_text,
        groups=tuple(dict.fromkeys((*groups, "run"))),
        rank=rank,
    )


def _app(action: str, keys: str, words: str, short: str, help_text: str, rank: int = 0) -> Action:
    return Action(
        id=action,
        keys=tuple(keys.split()),
        words=words,
        short=short,
        help=help_text,
        groups=("everywhere",),
        place="app",
        rank=rank,
    )


_EVERYWHERE = (
    _app("help", "? f1", "Show the keys", "help", "Show the keys that work here.", 1),
    _app("palette", ": ctrl+p", "Command palette", "palette", "Find an action by its name.", 5),
    _app("quit", "q ctrl+q", "Quit", "quit", "Leave; asks first while a run goes on.", 6),
    _app("show_run", "1 alt+1", "Go to the run", "run", "Show the run screen.", 12),
    _app(
        "show_inspect",
        "2 alt+2",
        "Go to the files",
        "inspect",
        "Show the Inspect screen: the files of a task.",
        13,
    ),
    _app("show_history", "4 alt+4", "Go to the history", "history", "Show past runs.", 11),
    _app("change_theme", "T", "Change the theme", "theme", "Choose the colours, with a preview."),
    _app(
        "picture", "ctrl+s", "Save a picture", "picture", "Save the screen as an SVG file in this directory."
    ),
    _app("start_engine", "S", "Start the engine again", "start engine", "Start the engine again.", 2),
    Action(
        id="start_run",
        keys=("o", "ctrl+n"),
        words="Start a run…",
        short="new run",
        help="Choose a definition, targets and parameters, and run them.",
        groups=("everywhere",),
        place="app",
        rank=10,
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

_PANES = (
    Action(
        id="next_pane",
        keys=("tab",),
        words="Next pane",
        short="pane",
        help="Focus the next pane.",
        groups=("run", "inspect", "history", "compare"),
        calls="app.focus_next",
    ),
    Action(
        id="previous_pane",
        keys=("shift+tab",),
        words="Previous pane",
        short="pane",
        help="Focus the previous pane.",
        groups=("run", "inspect", "history", "compare"),
        calls="app.focus_previous",
    ),
    Action(
        id="back",
        keys=("escape", "backspace"),
        words="Back",
        short="back",
        help="Close what is open: a search, a filter, a zoom, then the screen.",
        groups=("run", "inspect", "history", "compare"),
    ),
    Action(
        id="copy",
        keys=("y",),
        words="Copy",
        short="copy",
        help="Copy the selected text, or the name of what is selected.",
        groups=("run", "inspect", "history", "compare"),
    ),
    _run("next_tab", "]", "Next tab", "tab", "Show the next tab of the task or file.", "run", "inspect"),
    _run(
        "previous_tab",
        "[",
        "Previous tab",
        "tab",
        "Show the previous tab of the task or file.",
        "run",
        "inspect",
    ),
    _run(
        "zoom",
        "z",
        "Zoom the pane",
        "zoom",
        "Give the focused pane the whole screen, or take it back.",
        "run",
        "inspect",
        rank=9,
    ),
)

_MOVEMENT = (
    _move("move_up", "up k", "Up", "Up a row."),
    _move("move_down", "down j", "Down", "Down a row."),
    _move("move_left", "left h", "Left", "To the left; in a tree, close the branch."),
    _move("move_right", "right l", "Right", "To the right; in a tree, open the branch."),
    _move("top", "g home", "To the top", "To the beginning."),
    _move("bottom", "G end", "To the bottom", "To the end; a log is followed from there on."),
    _move("page_up", "pageup ctrl+b ctrl+u", "Page up", "Up a page."),
    _move("page_down", "pagedown ctrl+f ctrl+d", "Page down", "Down a page."),
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
    Action(
        id="open",
        keys=("enter",),
        words="Open the task",
        short="open",
        help="Go to the log of the selected task; in its details, to the task or address there.",
        groups=("graph", "lanes", "facts"),
        place="widget",
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

_STEERING = (
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
        "keep_going",
        "K",
        "Keep going after failures",
        "keep going",
        "After a failure, start what does not need it; or stop doing so.",
    ),
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
    _run("wrap", "w", "Wrap long lines", "wrap", "Break long lines of the log, or cut them.", "log", rank=10),
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
    Action(
        id="filter_facts",
        keys=("/",),
        words="Filter the variables",
        short="filter",
        help="Show only variables whose name or value contains a text.",
        groups=("facts",),
        place="widget",
        rank=8,
    ),
)

_HISTORY = (
    Action(
        id="open_run",
        keys=("enter",),
        words="Open the run",
        short="open",
        help="Show the selected run; a past one as it was.",
        groups=("history",),
        rank=2,
    ),
    Action(
        id="compare",
        keys=("c",),
        words="Compare runs",
        short="compare",
        help="Compare the selected run, task by task, with the baseline or the run before it.",
        groups=("history",),
        rank=3,
    ),
    Action(
        id="baseline",
        keys=("b",),
        words="Take the run as baseline",
        short="baseline",
        help="Compare other runs with the selected one.",
        groups=("history",),
        rank=4,
    ),
    Action(
        id="filter_runs",
        keys=("/",),
        words="Filter the runs",
        short="filter",
        help="Show only runs whose definition, result or id contains a text.",
        groups=("history",),
        rank=8,
    ),
    Action(
        id="changed_only",
        keys=("d",),
        words="Only differences",
        short="differences",
        help="Show only tasks that differ between the two runs.",
        groups=("compare",),
        rank=3,
    ),
    Action(
        id="sort_compared",
        keys=("s",),
        words="Change the order of the tasks",
        short="order",
        help="Sort by the largest difference, or in the order of the definition.",
        groups=("compare",),
        rank=4,
    ),
    Action(
        id="filter_compared",
        keys=("/",),
        words="Filter the compared tasks",
        short="filter",
        help="Show only tasks whose name, state or reason contains a text.",
        groups=("compare",),
        rank=8,
    ),
)

ACTIONS: tuple[Action, ...] = (
    *_STEERING,
    *FAILURE,
    *_GRAPH,
    *_LOG,
    *_LANES,
    *_FACTS,
    *_INSPECTING,
    *INSPECT,
    *_HISTORY,
    *_PANES,
    *_MOVEMENT,
    *_EVERYWHERE,
)
BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def in_groups(*groups: Group) -> tuple[Action, ...]:
    """The actions of these groups, in the order of the table."""
    return tuple(action for action in ACTIONS if any(group in groups for group in action.groups))
