"""What the Inspect screen is about: which states its tree shows and compares, step by step."""

from __future__ import annotations

from engine.api.file_messages import LayerSummary, PlaceDetails
from tui.model.inspected import ALL_KINDS, CHANGES, Inspected, run_and_task

PLACE = "task:run1/build"


def place(*names: str, own: bool = True, text: str = PLACE) -> PlaceDetails:
    layers = tuple(
        LayerSummary(position=position, digest=name, name=name, bytes=1, entries=1)
        for position, name in enumerate(names)
    )
    return PlaceDetails(place=text, title="build", layers=layers, own=len(names) - 1 if own else None)


def three() -> Inspected:
    return Inspected().at_place(place("base", "deps", "build"))


def states(inspected: Inspected) -> tuple[str, str]:
    view = inspected.view
    assert view is not None
    return view.before, view.state


def test_a_task_opens_at_its_own_layer_against_what_it_started_from() -> None:
    assert states(three()) == (f"{PLACE}#1", f"{PLACE}#2")
    assert three().view is not None and three().kinds == ALL_KINDS


def test_the_lowest_layer_is_compared_with_nothing() -> None:
    assert states(three().at_layer(0)) == (f"{PLACE}#-1", f"{PLACE}#0")


def test_nothing_is_shown_of_a_place_without_layers() -> None:
    assert Inspected().view is None
    assert Inspected().at_place(place()).view is None
    assert Inspected().at_place(place()).marked().mark is None


def test_a_place_that_is_asked_for_again_keeps_the_layer() -> None:
    inspected = three().at_layer(1).filtered("x")
    again = inspected.at_place(place("base", "deps", "build"))
    assert (again.layer, again.filter) == (1, "x")


def test_a_task_that_has_ended_meanwhile_shows_what_it_did() -> None:
    inspected = Inspected().at_place(place("base", "deps", own=False))
    assert inspected.layer == 1
    assert inspected.at_place(place("base", "deps", "build")).layer == 2


def test_a_layer_that_is_gone_gives_way_to_the_last() -> None:
    assert three().at_place(place("base")).layer == 0


def test_two_marks_compare_and_a_third_begins_anew() -> None:
    marked = three().at_layer(0).marked()
    assert marked.mark is not None and marked.mark.text == f"{PLACE}#0"
    assert states(marked) == (f"{PLACE}#-1", f"{PLACE}#0")
    both = marked.at_layer(2).marked()
    assert both.is_comparison and states(both) == (f"{PLACE}#0", f"{PLACE}#2")
    assert states(both.at_layer(1)) == (f"{PLACE}#0", f"{PLACE}#2")
    assert states(both.swapped()) == (f"{PLACE}#2", f"{PLACE}#0")
    third = both.at_layer(1).marked()
    assert not third.is_comparison and third.mark is not None and third.mark.position == 1


def test_a_mark_is_taken_back_where_it_was_set() -> None:
    assert three().marked().marked().mark is None


def test_a_mark_stays_while_another_task_is_looked_at() -> None:
    elsewhere = three().at_layer(1).marked().left().at_place(place("base", "test", text="task:run1/test"))
    both = elsewhere.marked()
    assert states(both) == (f"{PLACE}#1", "task:run1/test#1")


def test_a_comparison_ends_when_another_place_is_looked_at() -> None:
    both = three().at_layer(0).marked().at_layer(2).marked()
    assert not both.left().is_comparison


def test_a_state_is_opened_against_another_one() -> None:
    compared = three().at_state(2, "task:run0/build#2")
    assert states(compared) == ("task:run0/build#2", f"{PLACE}#2")
    assert compared.a is not None and "build, run run0" in compared.a.words
    assert not three().at_state(2, f"{PLACE}#1").is_comparison
    assert states(three().at_state(1, None)) == (f"{PLACE}#0", f"{PLACE}#1")
    assert three().alone().at_state(1, None).kinds == ALL_KINDS


def test_kinds_are_hidden_one_by_one_and_never_all() -> None:
    inspected = three().toggled("added")
    assert inspected.kinds == ALL_KINDS - {"added"}
    for kind in ("changed", "removed", "metadata"):
        inspected = inspected.toggled(kind)
    assert inspected.kinds == {"unchanged"}
    assert inspected.toggled("unchanged").kinds == ALL_KINDS


def test_a_layer_alone_is_what_it_changed() -> None:
    assert three().alone().kinds == CHANGES and three().alone().is_alone
    assert three().alone().alone().kinds == ALL_KINDS
    assert three().toggled("added").alone().kinds == CHANGES


def test_orders_go_round() -> None:
    inspected = three()
    seen = []
    for _ in range(4):
        assert inspected.view is not None
        seen.append((inspected.order, inspected.view.descending))
        inspected = inspected.next_order()
    assert seen == [("name", False), ("size", True), ("change", True), ("name", False)]


def test_escape_takes_restrictions_back_one_by_one() -> None:
    inspected = three().at_layer(0).marked().at_layer(2).marked().alone().filtered("x")
    steps = []
    current: Inspected | None = inspected
    while current is not None:
        steps.append((current.filter, current.is_comparison, current.is_alone))
        current = current.less()
    assert steps == [("x", True, True), ("", True, True), ("", False, True), ("", False, False)]


def test_places_say_which_run_and_task_they_are_of() -> None:
    assert run_and_task("task:r/matrix/[a]#2") == ("r", "matrix/[a]")
    assert run_and_task("image:5f#1") == (None, None)
    assert run_and_task("") == (None, None)
