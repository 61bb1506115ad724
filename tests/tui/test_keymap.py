"""Keys asked for in the settings: what they get, what is said when they cannot have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding, BindingsMap

from tui.actions import ACTIONS, BY_ID
from tui.bindings import bindings_for
from tui.key_names import UNBOUND, KeyNameError, key_name, key_text
from tui.keymap import KeyRequest, conflict, default_keys, resolve


def request(action: str, *keys: str, line: int = 1) -> KeyRequest:
    return KeyRequest(action=action, keys=keys, line=line)


@pytest.mark.parametrize("text", ["?", "/", ":", "[", "&", ".", "+", "-", "=", "G", "x", "1"])
def test_a_character_has_the_name_that_textual_gives_it(text: str) -> None:
    (binding,) = Binding.make_bindings([Binding(text, "nothing")])
    assert key_name(text) == binding.key
    assert key_text(key_name(text)) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ctrl+X", "ctrl+x"),
        (" PageUp ", "pageup"),
        ("ctrl++", "ctrl+plus"),
        ("alt+/", "alt+slash"),
        ("question_mark", "question_mark"),
        ("comma", "comma"),
        ("f12", "f12"),
    ],
)
def test_a_key_may_be_written_in_the_usual_ways(text: str, name: str) -> None:
    assert key_name(text) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pageupp", "unknown key `pageupp`; did you mean `pageup`?"),
        ("ctl+x", "unknown modifier `ctl`; did you mean `ctrl`?"),
        ("", "unknown key ``"),
    ],
)
def test_what_names_no_key_is_said(text: str, message: str) -> None:
    with pytest.raises(KeyNameError) as raised:
        key_name(text)
    assert str(raised.value) == message


def test_arrows_are_words_where_there_is_only_ascii() -> None:
    assert (key_text("shift+up"), key_text("up", is_unicode=False)) == ("shift+↑", "up")


def test_a_free_key_is_simply_given() -> None:
    keymap = resolve([request("retry", "r", "ctrl+y")])
    assert (keymap.changed, keymap.problems) == ({"retry": "r,ctrl+y"}, ())


def test_a_wanted_key_is_taken_from_the_action_that_has_it() -> None:
    keymap = resolve([request("retry", "x", line=4)])
    assert keymap.changed == {"retry": "x", "cancel_task": UNBOUND}
    assert [(it.line, it.message) for it in keymap.problems] == [
        (4, "`retry` takes `x`: `cancel_task` has no key left")
    ]


def test_an_action_that_keeps_another_key_loses_one_silently() -> None:
    keymap = resolve([request("retry", "q")])
    assert keymap.changed == {"retry": "q", "quit": "ctrl+q"}
    assert keymap.problems == ()


def test_two_actions_may_change_places() -> None:
    keymap = resolve([request("retry", "x"), request("cancel_task", "r")])
    assert keymap.changed == {"retry": "x", "cancel_task": "r"}
    assert keymap.problems == ()


def test_of_two_requests_for_one_key_the_first_wins() -> None:
    keymap = resolve([request("retry", "u"), request("shell", "u", line=7)])
    assert keymap.changed == {"retry": "u"}
    assert [(it.line, it.message) for it in keymap.problems] == [
        (7, "`u` of `shell` is already given to `retry`")
    ]


def test_actions_that_never_meet_may_share_a_key() -> None:
    keymap = resolve([request("compare", "x"), request("cancel_task", "x")])
    assert keymap.changed == {"compare": "x", "cancel_task": "x"}


def test_an_action_can_be_left_without_keys() -> None:
    assert resolve([request("quit")]).changed == {"quit": UNBOUND}


def test_textual_binds_what_was_resolved() -> None:
    bindings = BindingsMap(bindings_for("run"))
    bindings.apply_keymap(resolve([request("retry", "x")]).changed)
    assert {binding.id for binding in bindings.key_to_bindings["x"]} == {"retry"}
    assert "r" not in bindings.key_to_bindings


KEYS = st.sampled_from(["x", "r", "q", "i", "slash", "ctrl+x", "up", "j"])
REQUESTS = st.lists(
    st.builds(
        lambda action, keys: request(action, *keys),
        st.sampled_from([action.id for action in ACTIONS]),
        st.lists(KEYS, max_size=3, unique=True),
    ),
    max_size=6,
    unique_by=lambda it: it.action,
)


@given(REQUESTS)
def test_no_two_actions_in_force_share_a_key_whatever_is_asked(requests: list[KeyRequest]) -> None:
    changed = resolve(requests).changed
    keys = {
        action.id: tuple(
            key for key in changed.get(action.id, ",".join(default_keys(action))).split(",") if key != UNBOUND
        )
        for action in ACTIONS
    }
    for first in BY_ID:
        for second in BY_ID:
            assert conflict(first, second, keys) == []
