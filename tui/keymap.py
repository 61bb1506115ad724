"""The keys in force: those of the table of actions, as the user's settings change them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tui.action import CHAINS, SHADOWS, Action
from tui.actions import ACTIONS, BY_ID
from tui.key_names import UNBOUND, key_name


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The keys a user wants for an action, in Textual's names; none at all unbinds it."""

    action: str
    keys: tuple[str, ...]
    line: int


class KeyProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request; the line is that of the settings, from 1."""

    line: int
    message: str


class Keymap(msgspec.Struct, frozen=True, kw_only=True):
    """For `App.set_keymap`: the changed actions' keys; `problems` say what was not done as asked."""

    changed: dict[str, str] = {}
    problems: tuple[KeyProblem, ...] = ()


def default_keys(action: Action) -> tuple[str, ...]:
    """The keys of an action in the table, in Textual's names."""
    return tuple(key_name(key) for key in action.keys)


def resolve(requests: list[KeyRequest]) -> Keymap:
    """Puts requests over the table: a wanted key is taken from the action that has it by default.

    Of two requests for one key in the same place the first wins.
    """
    keys = {action.id: default_keys(action) for action in ACTIONS}
    wanted: dict[str, KeyRequest] = {}
    problems: list[KeyProblem] = []
    for request in requests:
        rival = _rival(request, wanted)
        if rival is not None:
            message = f"`{rival[1]}` of `{request.action}` is already given to `{rival[0]}`"
            problems.append(KeyProblem(line=request.line, message=message))
            continue
        wanted[request.action] = request
        keys[request.action] = request.keys
    changed = set(wanted)
    for request in wanted.values():
        for loser, taken in _losers(request, wanted, keys):
            keys[loser] = tuple(key for key in keys[loser] if key not in taken)
            changed.add(loser)
            if not keys[loser]:
                message = f"`{request.action}` takes `{', '.join(taken)}`: `{loser}` has no key left"
                problems.append(KeyProblem(line=request.line, message=message))
    order = [action.id for action in ACTIONS if action.id in changed]
    return Keymap(
        changed={action: ",".join(keys[action]) or UNBOUND for action in order}, problems=tuple(problems)
    )


def conflict(first: str, second: str, keys: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The keys two actions share where both are in force, unless the nearer may shadow the farther."""
    if first == second or not _meet(BY_ID[first], BY_ID[second]):
        return []
    if (first, second) in SHADOWS or (second, first) in SHADOWS:
        return []
    return [key for key in keys[first] if key in keys[second]]


def _meet(first: Action, second: Action) -> bool:
    return any(set(first.groups) & set(chain) and set(second.groups) & set(chain) for chain in CHAINS)


def _rival(request: KeyRequest, wanted: dict[str, KeyRequest]) -> tuple[str, str] | None:
    keys = {other.action: other.keys for other in wanted.values()} | {request.action: request.keys}
    for other in wanted:
        shared = conflict(request.action, other, keys)
        if shared:
            return other, shared[0]
    return None


def _losers(
    request: KeyRequest, wanted: dict[str, KeyRequest], keys: dict[str, tuple[str, ...]]
) -> list[tuple[str, list[str]]]:
    found = []
    for action in ACTIONS:
        shared = [] if action.id in wanted else conflict(request.action, action.id, keys)
        if shared:
            found.append((action.id, shared))
    return found
