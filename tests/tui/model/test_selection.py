"""Who moved the selection, and whether that was a surprise."""

from __future__ import annotations

from tui.model.selection import Selection


def test_the_selection_follows_until_one_is_chosen() -> None:
    selection = Selection()
    assert selection.follow("a", 10.0)
    assert selection.follow("b", 11.0)
    assert selection.choose("a")
    assert not selection.follow("c", 12.0)
    assert selection.task == "a"


def test_acting_right_after_the_selection_has_moved_by_itself_is_a_surprise() -> None:
    selection = Selection()
    selection.follow("a", 10.0)
    selection.follow("b", 11.0)
    assert not selection.hold(11.5)
    assert selection.hold(11.6)
    assert not selection.follow("c", 12.0)
    assert selection.task == "b"


def test_what_has_been_selected_for_a_while_or_from_the_start_is_meant() -> None:
    first = Selection()
    first.follow("a", 10.0)
    assert first.hold(10.0)
    later = Selection()
    later.follow("a", 10.0)
    later.follow("b", 11.0)
    assert later.hold(12.0)


def test_what_was_chosen_is_wanted_when_the_same_is_shown_again() -> None:
    selection = Selection()
    selection.follow("a", 10.0)
    assert selection.again().wanted is None
    selection.choose("b")
    again = selection.again()
    assert (again.task, again.wanted, again.is_chosen) == (None, "b", False)
    assert again.again().wanted == "b"


def test_a_released_selection_follows_again() -> None:
    selection = Selection()
    selection.choose("a")
    selection.release()
    assert selection.follow("b", 10.0)
