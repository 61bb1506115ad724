"""A place: layers with a name, opened, and its states, each the layers up to one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from engine.explain import printable
from engine.inspection.contents import Location
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.stack import Stack, State
from engine.model.errors import UsageError

if TYPE_CHECKING:  # for images alone
    from engine.images.efficiency import Efficiency


class PlaceLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of a place; as `engine.api.file_messages.LayerSummary`, where its files are not asked for."""

    digest: str
    name: str
    result: str = ""
    created_at: float | None = None
    seconds: float | None = None
    produced_by: str | None = None
    command: str = ""


class NotFound(UsageError):
    """There is no such place, state or path."""


class Place:
    """Layers with a name, opened. `lock`: one looks at a time; what is behind `stack` is made on demand.

    `locate(position of a layer, path)` tells where the bytes of a file of that layer are. StoreError.
    `figures`: how its efficiency is known already, of an image.
    """

    def __init__(
        self,
        name: str,
        title: str,
        layers: tuple[PlaceLayer, ...],
        indexes: tuple[LayerIndex, ...],
        locate: Callable[[int, str], Location],
        *,
        own: int | None = None,
        workspace: str = "",
        notices: tuple[str, ...] = (),
        figures: Callable[[], Efficiency | None] = lambda: None,
    ) -> None:
        self.name = name
        self.title = title
        self.layers = layers
        self.indexes = indexes
        self.locate = locate
        self.own = own
        self.workspace = workspace
        self.notices = notices
        self.figures = figures
        self.stack = Stack(indexes)
        self.lock = threading.RLock()

    def upto(self, position: int | None) -> PlaceState:
        """The state up to a layer; None: all, -1: nothing. NotFound when there is no such layer."""
        last = len(self.layers) - 1
        if position is not None and position > last:
            raise NotFound(f"`{self.name}` has no layer {position}", f"its layers are 0 to {last}")
        return PlaceState(self, last if position is None else position)


class PlaceState:
    """A place up to one of its layers."""

    def __init__(self, place: Place, position: int) -> None:
        self.place = place
        self.position = position

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.place.name}#{self.position}"

    @property
    def state(self) -> State:
        """Its files."""
        return self.place.stack.state(self.position)

    @property
    def below(self) -> PlaceState:
        """The state one layer below; of the empty state itself."""
        return PlaceState(self.place, max(self.position - 1, -1))

    def located(self, path: str) -> tuple[Location, int]:
        """Where a file's bytes are, and how many; NotFound where there is no file, StoreError."""
        with self.place.lock:
            entry = self.state.entry(path)
            position = self.state.layer_of(path)
        if entry is None or position is None:
            raise NotFound(f"there is no `{printable(path)}` in `{printable(self.name)}`")
        if entry.kind != "file":
            raise UsageError(f"`{printable(path)}` is no file but a {entry.kind}")
        return self.place.locate(position, path), entry.size
