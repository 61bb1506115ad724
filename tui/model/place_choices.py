"""What one can compare with: layers of the shown place, other tasks, the task in other runs, images."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.api.file_messages import PlaceChoice
from engine.explain import printable
from tui.format import Glyphs, size_text
from tui.model.inspected import NOTHING, Inspected, State, place_title, run_and_task, title_of
from tui.model.spans import Row, Span


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to compare with. `position` None: all layers of the place, however many it has."""

    place: str
    position: int | None
    title: str
    detail: str = ""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return f"{self.title} {self.detail}".casefold()


def own_layers(inspected: Inspected) -> list[Choice]:
    """The layers of the place that is shown, highest first, without the selected one; then nothing at all."""
    details = inspected.details
    if details is None:
        return []
    found = [
        Choice(
            place=details.place,
            position=layer.position,
            title=f"up to {layer.name}",
            detail=f"layer {layer.position + 1} of {len(details.layers)}, {size_text(layer.bytes)}",
        )
        for layer in reversed(details.layers)
        if layer.position != inspected.layer
    ]
    nothing = Choice(place=details.place, position=-1, title="nothing", detail="all that is there was added")
    return [*found, nothing]


def all_choices(inspected: Inspected, places: Sequence[PlaceChoice]) -> list[Choice]:
    """First the layers of the place that is shown, then its task in other runs, then the rest as the engine
    names it."""
    shown = "" if inspected.details is None else inspected.details.place
    task = run_and_task(shown)[1]
    others = [
        Choice(place=it.place, position=None, title=it.title, detail=it.detail)
        for it in places
        if it.place != shown
    ]
    others.sort(key=lambda it: task is None or run_and_task(it.place)[1] != task)
    return [*own_layers(inspected), *others]


def matching(choices: Sequence[Choice], text: str) -> list[Choice]:
    """Those that contain every word of the text."""
    words = text.casefold().split()
    return [choice for choice in choices if all(word in choice.text for word in words)]


def choice_row(choice: Choice, glyphs: Glyphs, *, is_current: bool) -> Row:
    """One of them in a list."""
    mark = ("▸ " if glyphs.is_unicode else "> ") if is_current else "  "
    return (
        Span(mark, "edge-active"),
        Span(printable(choice.title), bold=is_current),
        Span(f"  {printable(choice.detail)}", "dim-text"),
    )


def state_of(inspected: Inspected, choice: Choice) -> State:
    """What a choice stands for."""
    details = inspected.details
    if choice.position is None or details is None or choice.place != details.place:
        return State(choice.place, choice.position, choice.title, title_of(choice.place, choice.title))
    layer = next((it.name for it in details.layers if it.position == choice.position), NOTHING)
    return State(details.place, choice.position, layer, place_title(details))
