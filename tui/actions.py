"""The table of actions: keys, footer, help and palette are all made of it.

A screen or widget takes the bindings of its groups from `tui.bindings.bindings_for`; the method that
carries an action out is `action_<id>` of the action's `place`. What has no such method where one is,
or whose `check_action` says no, is neither shown nor offered.

Keys: one group never has a key twice. A focused widget's group comes before that of its screen, and
a screen's before `everywhere`; the keys that differ in meaning on purpose are in `tui.action.SHADOWS`.
"""

from __future__ import annotations

from tui.action import Action, Group, on_screen, on_widget
from tui.failure_actions import FAILURE
from tui.history_actions import HISTORY
from tui.inspect_actions import INSPECT
from tui.run_actions import LOOKING, STEERING


def _move(action: str, keys: str, words: str, help_text: str) -> Action:
    return on_widget(action, keys, words, words.lower(), help_text, "move")


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
        words="Start a run",
        short="new run",
        help="Choose a definition, targets and parameters, and run them.",
        groups=("everywhere",),
        place="app",
        rank=10,
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
    on_screen(
        "run", "next_tab", "]", "Next tab", "tab", "Show the next tab of the task or file.", "run", "inspect"
    ),
    on_screen(
        "run",
        "previous_tab",
        "[",
        "Previous tab",
        "tab",
        "Show the previous tab of the task or file.",
        "run",
        "inspect",
    ),
    on_screen(
        "run",
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

ACTIONS: tuple[Action, ...] = (
    *STEERING,
    *FAILURE,
    *LOOKING,
    *INSPECT,
    *HISTORY,
    *_PANES,
    *_MOVEMENT,
    *_EVERYWHERE,
)
BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def in_groups(*groups: Group) -> tuple[Action, ...]:
    """The actions of these groups, in the order of the table."""
    return tuple(action for action in ACTIONS if any(group in groups for group in action.groups))
