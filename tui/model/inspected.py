"""What the Inspect screen is about: a place, one of its layers, what it is compared with, what is hidden."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.api.file_messages import LayerSummary, Order, PlaceDetails
from tui.format import short_run

Kind = Literal["added", "changed", "removed", "metadata", "unchanged"]
KINDS: tuple[Kind, ...] = ("added", "changed", "removed", "metadata", "unchanged")
ALL_KINDS: frozenset[Kind] = frozenset(KINDS)
CHANGES: frozenset[Kind] = ALL_KINDS - {"unchanged"}
NOTHING = "nothing"
ORDERS: tuple[Order, ...] = ("name", "size", "change")


class State(msgspec.Struct, frozen=True):
    """A place up to one of its layers; -1: below the lowest, None: all of it.

    `layer` and `title` name both for people.
    """

    place: str
    position: int | None
    layer: str
    title: str

    @property
    def text(self) -> str:
        """As the engine's interface writes it."""
        return self.place if self.position is None else f"{self.place}#{self.position}"

    @property
    def words(self) -> str:
        """The place, and the layer if it is neither all of it nor the task's own."""
        if self.position is None or self.layer == run_and_task(self.place)[1]:
            return self.title
        return f"{self.layer} of {self.title}" if self.position >= 0 else self.layer


class FilesView(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides which files are listed, and how. Only what one of `changes` happened to."""

    state: str
    before: str
    changes: frozenset[Kind] = ALL_KINDS
    name: str = ""
    order: Order = "name"

    @property
    def descending(self) -> bool:
        """The largest first."""
        return self.order != "name"


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """`layer`: the position of the selected one. `mark`: A, once it is marked. `a` and `b`: what is compared;
    both or none. `kinds`: what is shown.
    """

    details: PlaceDetails | None = None
    layer: int = -1
    mark: State | None = None
    a: State | None = None
    b: State | None = None
    kinds: frozenset[Kind] = ALL_KINDS
    filter: str = ""
    order: Order = "name"

    @property
    def selected(self) -> LayerSummary | None:
        """The layer that is selected."""
        layers = () if self.details is None else self.details.layers
        return next((layer for layer in layers if layer.position == self.layer), None)

    @property
    def state(self) -> State | None:
        """What is looked at: B of a comparison, else all up to the selected layer."""
        return self.b or self._state_at(self.layer)

    @property
    def before(self) -> State | None:
        """What it is compared with: A of a comparison, else all below the selected layer."""
        return self.a or self._state_at(self.layer - 1)

    @property
    def is_comparison(self) -> bool:
        return self.a is not None and self.b is not None

    @property
    def is_alone(self) -> bool:
        """Whether only what has changed is shown."""
        return "unchanged" not in self.kinds

    @property
    def view(self) -> FilesView | None:
        """What the tree shows; None while nothing is there."""
        state, before = self.state, self.before
        if state is None or before is None:
            return None
        return FilesView(
            state=state.text, before=before.text, changes=self.kinds, name=self.filter, order=self.order
        )

    @property
    def run(self) -> str | None:
        """The run whose task it is; None of an image."""
        return None if self.details is None else run_and_task(self.details.place)[0]

    def at_place(self, details: PlaceDetails) -> Inspected:
        """Look at this place: at the task's own layer, else the last. Of the same place as before, stay."""
        is_same = self.details is not None and self.details.place == details.place
        positions = [layer.position for layer in details.layers]
        if is_same and self.layer in positions and not self._was_at_end:
            layer = self.layer
        else:
            layer = positions[-1] if positions else -1
            layer = layer if details.own is None else details.own
        if is_same:
            return msgspec.structs.replace(self, details=details, layer=layer)
        return msgspec.structs.replace(self, details=details, layer=layer, a=None, b=None, filter="")

    def left(self) -> Inspected:
        """Another place will be looked at: what is marked, and what is shown of changes, stays."""
        return msgspec.structs.replace(self, details=None, layer=-1, a=None, b=None, filter="")

    def at_layer(self, position: int) -> Inspected:
        """Select this layer."""
        return msgspec.structs.replace(self, layer=position)

    def at_state(self, position: int | None, before: str | None) -> Inspected:
        """Select this layer, None: the selected one, all kinds shown; compared with another `before`."""
        chosen = self if position is None else self.at_layer(position)
        chosen = msgspec.structs.replace(chosen, a=None, b=None, kinds=ALL_KINDS, filter="")
        here = chosen._state_at(chosen.layer)
        below = chosen._state_at(chosen.layer - 1)
        if before is None or here is None or (below is not None and before == below.text):
            return chosen
        a = self._state_of(before)
        return msgspec.structs.replace(chosen, mark=a, a=a, b=here)

    def marked(self) -> Inspected:
        """Mark the selected layer: the first time as A, then another one as B, then A anew.

        A is taken back when it is marked once more.
        """
        here = self._state_at(self.layer)
        if here is None:
            return self
        if self.mark is None or self.is_comparison:
            return msgspec.structs.replace(self, mark=here, a=None, b=None)
        if self.mark.text == here.text:
            return msgspec.structs.replace(self, mark=None)
        return msgspec.structs.replace(self, a=self.mark, b=here)

    def compared_with(self, other: State) -> Inspected:
        """Show how what is looked at differs from this; `other` comes before."""
        here = self._state_at(self.layer)
        if here is None or here.text == other.text:
            return self
        return msgspec.structs.replace(self, mark=other, a=other, b=here)

    def swapped(self) -> Inspected:
        """Compare the other way round."""
        return msgspec.structs.replace(self, mark=self.b, a=self.b, b=self.a) if self.is_comparison else self

    def alone(self) -> Inspected:
        """Only what has changed, or all files."""
        return msgspec.structs.replace(self, kinds=CHANGES if self.kinds != CHANGES else ALL_KINDS)

    def toggled(self, kind: Kind) -> Inspected:
        """Show or hide what this happened to. Something is always shown: all, when nothing would be."""
        return msgspec.structs.replace(self, kinds=(self.kinds ^ {kind}) or ALL_KINDS)

    def next_order(self) -> Inspected:
        """By name, by size, by changes, and round again."""
        return msgspec.structs.replace(self, order=ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])

    def filtered(self, text: str) -> Inspected:
        """Show only names that contain this."""
        return msgspec.structs.replace(self, filter=text)

    def less(self) -> Inspected | None:
        """Without the last restriction that was made: the filter, the comparison, the mark, the kinds."""
        if self.filter:
            return self.filtered("")
        if self.is_comparison or self.mark is not None:
            return msgspec.structs.replace(self, mark=None, a=None, b=None)
        return None if self.kinds == ALL_KINDS else msgspec.structs.replace(self, kinds=ALL_KINDS)

    @property
    def _was_at_end(self) -> bool:
        """On the last layer, as a task that has not ended: when it has, it may have one of its own."""
        layers = () if self.details is None else self.details.layers
        is_last = bool(layers) and layers[-1].position == self.layer
        return is_last and self.details is not None and self.details.own is None

    def _state_of(self, text: str) -> State:
        """A state that is only known by its text."""
        place, _, position = text.partition("#")
        if self.details is not None and place == self.details.place and position:
            found = self._state_at(int(position))
            if found is not None:
                return found
        title = title_of(place, place)
        number = int(position) if position else None
        layer = NOTHING if number == -1 else f"layer {(number or 0) + 1}"
        return State(place, number, layer, title)

    def _state_at(self, position: int) -> State | None:
        details = self.details
        if details is None or not details.layers or position < -1:
            return None
        name = next((it.name for it in details.layers if it.position == position), NOTHING)
        return State(details.place, position, name, place_title(details))


def place_title(details: PlaceDetails) -> str:
    """What it is for people: of a task with its run."""
    return title_of(details.place, details.title)


def title_of(place: str, title: str) -> str:
    """A title for people of a place that is only known by its text and, if it is no task, by a title."""
    run, task = run_and_task(place)
    return title if run is None else f"{task}, run {short_run(run)}"


def run_and_task(place: str) -> tuple[str, str] | tuple[None, None]:
    """Of `task:RUN/TASK` the run and the task; of an image neither."""
    kind, _, name = place.partition(":")
    run, _, task = name.partition("/")
    return (run, task.partition("#")[0]) if kind == "task" and task else (None, None)


def task_place(run: str, task: str) -> str:
    """What a task of a run left behind."""
    return f"task:{run}/{task}"


def input_state(details: PlaceDetails) -> str:
    """What the task of a place started from: all of its layers but its own."""
    last = details.layers[-1].position if details.layers else -1
    return f"{details.place}#{last if details.own is None else details.own - 1}"
