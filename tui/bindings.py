"""Textual's bindings, made of the table of actions."""

from __future__ import annotations

from textual.binding import Binding

from tui.action import Group
from tui.actions import in_groups
from tui.keymap import default_keys


def bindings_for(*groups: Group) -> list[Binding]:
    """The bindings of an app, screen or widget which stands for these groups.

    Each has the id of its action, so `App.set_keymap` can give it other keys.
    """
    return [
        Binding(
            ",".join(default_keys(action)),
            action.textual_action,
            action.short,
            show=action.rank > 0,
            id=action.id,
            tooltip=action.help,
        )
        for action in in_groups(*groups)
    ]
