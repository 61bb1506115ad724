"""One thing that can be done, and where its keys are in force."""

from __future__ import annotations

from typing import Literal

import msgspec

Group = Literal[
    "everywhere",
    "run",
    "graph",
    "log",
    "lanes",
    "facts",
    "inspect",
    "layers",
    "files",
    "preview",
    "history",
    "compare",
    "move",
]
Place = Literal["app", "screen", "widget"]

GROUP_WORDS: dict[Group, str] = {
    "graph": "Graph and list",
    "log": "Log",
    "lanes": "CPU lanes",
    "facts": "Task details",
    "run": "Run",
    "layers": "Layers",
    "files": "Files",
    "preview": "File",
    "inspect": "Inspect",
    "history": "History",
    "compare": "Comparison",
    "move": "Movement",
    "everywhere": "Everywhere",
}

# The groups which can be in force together, the nearest first: what is focused, its screen, the rest.
CHAINS: tuple[tuple[Group, ...], ...] = (
    ("graph", "move", "run", "everywhere"),
    ("log", "move", "run", "everywhere"),
    ("lanes", "move", "run", "everywhere"),
    ("facts", "move", "run", "everywhere"),
    ("layers", "move", "inspect", "everywhere"),
    ("files", "move", "inspect", "everywhere"),
    ("preview", "move", "inspect", "everywhere"),
    ("facts", "move", "inspect", "everywhere"),
    ("move", "history", "everywhere"),
    ("move", "compare", "everywhere"),
)

# (nearer action, farther action) which share a key on purpose.
SHADOWS = frozenset(
    {
        ("search", "filter"),  # `/`: what is focused decides which of the three
        ("filter_facts", "filter"),
        ("find_in_file", "filter_files"),
        ("filter_facts", "filter_files"),
        ("wrap", "watch"),  # `w`: of the log where that is focused
        ("open_in_pager", "start_run"),  # which has another key
    }
)


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be done.

    `keys` are Textual's names (`ctrl+p`, `?`, `pageup`); `words` say it in the palette, `short` in
    the footer, `help` in a sentence.
    `words_on`, `short_on`: the same of one that is in force, and which it would then end.
    `rank`: place in the footer, 1 is the last to be dropped; 0 is never there.
    `calls`: an action of Textual itself, when that carries it out.
    """

    id: str
    keys: tuple[str, ...]
    words: str
    short: str
    help: str
    groups: tuple[Group, ...]
    place: Place = "screen"
    rank: int = 0
    calls: str = ""
    words_on: str = ""
    short_on: str = ""

    @property
    def heading(self) -> Group:
        """The group it is listed under in the help."""
        return "everywhere" if {"run", "history", "compare"} <= set(self.groups) else self.groups[0]

    @property
    def textual_action(self) -> str:
        """What a binding runs: `screen.retry`, `app.quit`, `move_up`."""
        if self.calls:
            return self.calls
        return self.id if self.place == "widget" else f"{self.place}.{self.id}"


def on_screen(
    screen: Group,
    action: str,
    keys: str,
    words: str,
    short: str,
    help_text: str,
    *groups: Group,
    rank: int = 0,
    words_on: str = "",
    short_on: str = "",
) -> Action:
    """An action of a screen, wherever the focus is on it; it is listed under the first of `groups`."""
    return Action(
        id=action,
        keys=tuple(keys.split()),
        words=words,
        short=short,
        help=help_text,
        groups=tuple(dict.fromkeys((*groups, screen))),
        rank=rank,
        words_on=words_on,
        short_on=short_on,
    )


def on_widget(
    action: str, keys: str, words: str, short: str, help_text: str, *groups: Group, rank: int = 0
) -> Action:
    """An action of the widget that has the focus."""
    return Action(
        id=action,
        keys=tuple(keys.split()),
        words=words,
        short=short,
        help=help_text,
        groups=groups,
        place="widget",
        rank=rank,
    )
