"""What the engine knows of the place on the Inspect screen, of its waste and of who made a layer."""

from __future__ import annotations

from collections.abc import Callable

from engine.api.file_messages import LayerSummary, PlaceDetails, Waste
from engine.api.messages import Refusal, TaskDetails
from tui.bridge import Bridge

BY_TASKS = ("hit", "executed", "failed")  # results of layers
ADDED_UP = "it is still being added up what is wasted"


class ShownPlace:
    """Asks; only what is about the present place, or layer, is told. `waste`, `task`: None until known.

    `no_waste`: why the waste is not known.
    """

    def __init__(
        self,
        bridge: Bridge,
        came: Callable[[PlaceDetails], None],
        refused: Callable[[Refusal], None],
        facts_came: Callable[[], None],
    ) -> None:
        self._bridge = bridge
        self._came = came
        self._refused = refused
        self._facts_came = facts_came
        self.place = ""
        self.waste: Waste | None = None
        self.no_waste = ""
        self.task: TaskDetails | None = None
        self._layer: tuple[str | None, str] = (None, "")

    def use(self, place: str) -> None:
        """Be about this place."""
        if place != self.place:
            self.place = place
            self.waste = self.task = None
            self._layer = (None, "")

    def ask(self) -> None:
        """What there is of it now."""
        place = self.place

        def came(details: PlaceDetails) -> None:
            if place == self.place:
                self._came(details)

        def refused(refusal: Refusal) -> None:
            if place == self.place:
                self._refused(refusal)

        if place:
            self._bridge.files.place(place, came, refused, latest="inspect.place", counts=False)

    def ask_for_counts(self, then: Callable[[PlaceDetails], None]) -> None:
        """How much each layer changes: it takes a moment where they are large."""
        place = self.place

        def came(details: PlaceDetails) -> None:
            if place == self.place:
                then(details)

        self._bridge.files.place(place, came, lambda _: None, latest="inspect.counts")

    def ask_for_waste(self) -> None:
        """What its layers waste."""
        place = self.place
        self.no_waste = ADDED_UP

        def came(waste: Waste) -> None:
            if place == self.place:
                self.waste = waste
                self._facts_came()

        def refused(refusal: Refusal) -> None:
            if place == self.place:
                self.no_waste = refusal.message

        self._bridge.files.waste(place, came, refused, latest="inspect.waste")

    def forget_task(self, run: str | None, layer: LayerSummary | None) -> None:
        """What is known of the task of another layer no longer counts."""
        if _task_of(run, layer) != self._layer:
            self._layer, self.task = (None, ""), None

    def ask_for_task(self, run: str | None, layer: LayerSummary | None) -> None:
        """What is kept of the task of this run that made the layer."""
        asked = _task_of(run, layer)
        if asked == self._layer:
            return
        self._layer, self.task = asked, None
        name = asked[1]
        if run is None or not name:
            return

        def came(task: TaskDetails) -> None:
            if asked == self._layer:
                self.task = task
                self._facts_came()

        self._bridge.ask(lambda client: client.details(run, name), came, lambda _: None, "inspect.task")


def _task_of(run: str | None, layer: LayerSummary | None) -> tuple[str | None, str]:
    return run, layer.name if layer is not None and layer.result in BY_TASKS else ""
