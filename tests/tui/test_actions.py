"""The table of actions: everything has words, a key means one thing where it is pressed."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

import tui
from tui.action import CHAINS, GROUP_WORDS, SHADOWS, Action
from tui.actions import ACTIONS, BY_ID, in_groups
from tui.bindings import bindings_for
from tui.keymap import conflict, default_keys

EACH = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
KEYS = {action.id: default_keys(action) for action in ACTIONS}


def test_an_action_is_in_the_table_once() -> None:
    assert len(BY_ID) == len(ACTIONS)


@EACH
def test_an_action_says_what_it_does(action: Action) -> None:
    assert action.words
    assert action.short == action.short.lower()
    assert action.help.endswith(".")
    assert action.help[0].isupper()
    assert action.keys
    assert action.groups


def test_no_key_means_two_things_at_once_except_on_purpose() -> None:
    shared = {(a.id, b.id) for a, b in combinations(ACTIONS, 2) if conflict(a.id, b.id, KEYS)}
    assert shared == set()
    for nearer, farther in SHADOWS:
        assert set(KEYS[nearer]) & set(KEYS[farther])


def test_every_group_is_in_a_chain_and_has_a_heading() -> None:
    assert {group for chain in CHAINS for group in chain} == set(GROUP_WORDS)
    assert {group for action in ACTIONS for group in action.groups} == set(GROUP_WORDS)


def test_both_arrows_and_vim_keys_move() -> None:
    keys = {key for action in in_groups("move") for key in default_keys(action)}
    assert keys >= {"up", "down", "left", "right", "h", "j", "k", "l", "g", "G", "pageup", "pagedown"}


def test_a_binding_has_the_id_of_its_action() -> None:
    (binding,) = [binding for binding in bindings_for("history") if binding.id == "compare"]
    assert (binding.key, binding.action, binding.description) == ("c", "screen.compare", "compare")


def test_movement_is_carried_out_by_the_widget_itself() -> None:
    assert {binding.action for binding in bindings_for("move")} == {it.id for it in in_groups("move")}


@EACH
def test_screens_are_still_reached_where_a_text_field_takes_the_printable_keys(action: Action) -> None:
    if action.id in ("help", "palette", "quit", "show_run", "show_history", "start_run"):
        assert any(len(key) > 1 and ("+" in key or key.startswith("f")) for key in KEYS[action.id])


@EACH
def test_every_action_is_carried_out_somewhere(action: Action) -> None:
    if not action.calls:
        places = {"app": "tui/app.py", "screen": "tui/screens/*.py", "widget": "tui/widgets/*.py"}
        files = Path(tui.__file__).parent.parent.glob(places[action.place])
        assert any(f"def action_{action.id}(" in file.read_text(encoding="utf-8") for file in files) or (
            action.id == "quit"  # Textual's own
        )
