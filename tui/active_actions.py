"""The actions of the table that work on a screen at this moment, and their keys."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec
from textual.dom import DOMNode
from textual.screen import Screen

from tui.action import Action
from tui.actions import ACTIONS, BY_ID
from tui.key_names import UNBOUND
from tui.keymap import default_keys


class ActiveAction(msgspec.Struct, frozen=True, kw_only=True):
    """An action that works here. `keys` are in Textual's names, empty when no key reaches it from here;
    `is_near`: its binding is that of the focused widget; `is_on`: it is in force, and would end now.
    """

    action: Action
    keys: tuple[str, ...]
    is_near: bool = False
    is_on: bool = False

    @property
    def words(self) -> str:
        """What it does now, for the palette."""
        return (self.is_on and self.action.words_on) or self.action.words

    @property
    def short(self) -> str:
        """The same for the footer."""
        return (self.is_on and self.action.short_on) or self.action.short


@runtime_checkable
class HasSwitches(Protocol):
    """A screen with actions that turn something on and off."""

    def is_on(self, action: str) -> bool: ...


def active_actions(screen: Screen[object]) -> list[ActiveAction]:
    """What a key reaches from where the focus is, in the order of the table."""
    keys: dict[str, list[str]] = {}
    near: set[str] = set()
    is_on_top = screen.app.screen is screen
    for key, active in screen.active_bindings.items():
        action = BY_ID.get(active.binding.id or "")
        if action is None or key == UNBOUND or not active.enabled:
            continue
        # Textual has asked whether it is allowed, but the screen on top, which may be a dialog over this one.
        if not (
            _has_method(action, active.node, screen) if is_on_top else _works(action, active.node, screen)
        ):
            continue
        keys.setdefault(action.id, []).append(key)
        if active.node is not screen and active.node is not screen.app:
            near.add(action.id)
    return [
        ActiveAction(
            action=action,
            keys=_in_table_order(action, keys[action.id]),
            is_near=action.id in near,
            is_on=_is_on(action, screen),
        )
        for action in ACTIONS
        if action.id in keys
    ]


def offered_actions(screen: Screen[object]) -> list[ActiveAction]:
    """What can be chosen from the palette: also what only other panes of the screen have a key for."""
    active = {it.action.id: it for it in active_actions(screen)}
    found = []
    for action in ACTIONS:
        if action.id in active:
            found.append(active[action.id])
        elif action.place == "screen" and not action.calls and _works(action, screen, screen):
            found.append(ActiveAction(action=action, keys=(), is_on=_is_on(action, screen)))
    return found


def _is_on(action: Action, screen: Screen[object]) -> bool:
    return isinstance(screen, HasSwitches) and screen.is_on(action.id)


def _target(action: Action, node: DOMNode, screen: Screen[object]) -> tuple[DOMNode, str]:
    """Who carries the action out, and the name by which; `node` has its binding."""
    place, _, name = action.textual_action.rpartition(".")
    return {"app": screen.app, "screen": screen}.get(place, node), name


def _has_method(action: Action, node: DOMNode, screen: Screen[object]) -> bool:
    target, name = _target(action, node, screen)
    return hasattr(target, f"action_{name}")


def _works(action: Action, node: DOMNode, screen: Screen[object]) -> bool:
    target, name = _target(action, node, screen)
    return hasattr(target, f"action_{name}") and bool(target.check_action(name, ()))


def _in_table_order(action: Action, keys: list[str]) -> tuple[str, ...]:
    order = default_keys(action)
    return tuple(sorted(keys, key=lambda key: order.index(key) if key in order else len(order)))
