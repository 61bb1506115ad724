"""Opens places: what a task left behind, or an image, as layers upon each other.

How places and states are written is told in `engine.api.file_messages`.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable

from engine.explain import printable
from engine.images.image_record import image_folder
from engine.inspection.contents import Contents, Location
from engine.inspection.image_place import image_place
from engine.inspection.place import NotFound, Place, PlaceLayer, PlaceState
from engine.inspection.task_place import task_place
from engine.layer_files.layer_index import LayerIndex
from engine.model.errors import StoreError, UsageError
from engine.past.past_run import PastRun
from engine.run_state import RunState
from engine.store.runs import RunDirectory
from engine.store.store import Store

_STATE = re.compile(r"(?P<kind>task|image):(?P<word>[^#\0]+)(?:#(?P<position>-1|[0-9]{1,6}))?", re.DOTALL)
_RUN = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MOST_OPEN = 6
_Stamp = tuple[int, ...]


class Places:
    """The places that were looked at last, kept open. For any thread.

    `state_of` tells the state of a run, as far as it has come.
    """

    def __init__(self, store: Store, state_of: Callable[[RunDirectory], RunState]) -> None:
        self._store = store
        self._state_of = state_of
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[_Stamp, Place]] = OrderedDict()
        self._opening: dict[str, threading.Lock] = {}
        self.contents = Contents(store.root)

    def place(self, text: str) -> Place:
        """The place that is meant. NotFound, and StoreError when layers are damaged or were collected."""
        return self.state(text).place

    def state(self, text: str) -> PlaceState:
        """The state that is meant, which may be a whole place."""
        match = _STATE.fullmatch(text)
        if match is None:
            hint = "a place is `task:RUN/TASK` or `image:ID`, a state a place with `#N`"
            raise UsageError(f"`{printable(text)}` is no place", hint)
        position = None if match["position"] is None else int(match["position"])
        opened = self._task(match["word"]) if match["kind"] == "task" else self._image(match["word"])
        return opened.upto(position)

    def close(self) -> None:
        """Let go of everything."""
        self.contents.close()

    def _task(self, word: str) -> Place:
        run, _, task = word.partition("/")
        try:
            directory = self._directory(run)
            name = f"task:{directory.run}/{task}"
            records = os.path.join(directory.path, "tasks.jsonl")
            return self._remembered(name, _stamp(records), lambda: self._opened_task(name, directory, task))
        except UsageError as error:
            raise NotFound(error.message, error.hint) from error

    def _directory(self, run: str) -> RunDirectory:
        """A run by its id, or a word that means one; never a path."""
        directory = self._store.runs.directory(run)
        if _RUN.fullmatch(run) and os.path.isdir(directory.path):
            return directory
        return self._store.runs.resolve(run)

    def _opened_task(self, name: str, directory: RunDirectory, task: str) -> Place:
        past = PastRun(self._store, directory, self._state_of(directory))
        found = task_place(past, past.task(task))
        digests = tuple(layer.digest for layer in found.layers)
        return Place(
            name,
            found.title,
            found.layers,
            tuple(self._index(layer) for layer in found.layers),
            lambda position, path: Location(path, layer=digests[position]),
            own=found.own,
            workspace=found.workspace,
            notices=found.notices,
        )

    def _index(self, layer: PlaceLayer) -> LayerIndex:
        try:
            return self._store.layers.index(layer.digest)
        except StoreError as error:
            message = f"the layer of `{layer.name}` has been collected or is damaged ({error.message})"
            raise StoreError(message, "another run makes it again") from error

    def _image(self, word: str) -> Place:
        name = f"image:{word}"
        try:
            folder = image_folder(self._store.root, word)
            return self._remembered(
                name, _stamp(os.path.join(folder, "image")), lambda: image_place(self._store, name, word)
            )
        except StoreError as error:
            raise NotFound(error.message, error.hint) from error

    def _remembered(self, name: str, stamp: _Stamp, opened: Callable[[], Place]) -> Place:
        """The place as it was opened before, unless something has happened to it since."""
        with self._lock:
            lock = self._opening.setdefault(name, threading.Lock())
        with lock:
            with self._lock:
                kept = self._kept.get(name)
                if kept is not None and kept[0] == stamp:
                    self._kept.move_to_end(name)
                    return kept[1]
            try:
                place = opened()
            finally:
                self._opening.pop(name, None)
            with self._lock:
                self._kept[name] = stamp, place
                self._kept.move_to_end(name)
                while len(self._kept) > _MOST_OPEN:
                    self._kept.popitem(last=False)
        return place


def _stamp(path: str) -> _Stamp:
    """What changes with the file; of the records of a run with every task that starts or ends."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
