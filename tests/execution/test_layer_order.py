"""The order of layers: depth first, own dependencies before, met twice keeps the first place."""

from __future__ import annotations

from engine.execution.layer_order import LayerOrder


def below(graph: dict[str, tuple[str, ...]], task: str) -> str:
    return "".join(LayerOrder(lambda name: graph.get(name, ())).below(task))


def test_a_chain_is_in_order() -> None:
    assert below({"c": ("b",), "b": ("a",)}, "c") == "ab"


def test_among_independent_tasks_the_last_listed_is_on_top() -> None:
    assert below({"c": ("a", "b")}, "c") == "ab"


def test_a_task_met_twice_keeps_its_first_place() -> None:
    graph = {"d": ("b", "c"), "b": ("a",), "c": ("a",)}
    assert below(graph, "d") == "abc"


def test_a_layer_never_lies_below_what_it_was_built_on() -> None:
    graph = {"top": ("app", "lib"), "app": ("lib",)}
    assert below(graph, "top") == ("lib" + "app")


def test_a_chain_of_five_thousand_needs_no_recursion() -> None:
    graph = {str(number): (str(number - 1),) for number in range(1, 5000)}
    order = LayerOrder(lambda name: graph.get(name, ()))
    assert len(order.below("4999")) == 4999
