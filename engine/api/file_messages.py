"""What goes over the engine's socket about files: of tasks, of images, of any layer of theirs.

A *place* is a stack of layers with a name: `task:RUN/TASK`, what a task of a run left behind, or
`image:ID`, an image file that `outcrop inspect` has read. A *state* is a place up to one of its
layers: `PLACE#N`, counted from 0, the lowest; `PLACE` alone is all of it, and `PLACE#-1` the empty
state below the lowest layer. Paths are relative to the root, without a leading slash; the root is "".
Names that are no UTF-8 travel as `engine.layer_files.names` writes them. Sizes are bytes, times
seconds since the epoch. Consumers ignore fields they do not know.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal

import msgspec

from engine.layer_files.change_words import ChangeCounts, ChangeWord

Order = Literal["name", "size", "change"]


class LayerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of a place. `name`: the task that made it, `base`, or of an image what its history says.

    `bytes`, `entries`: what the layer itself holds. `counts`: against the state below. `result`: `hit`,
    `executed`, `failed`, `base` or `image`. `seconds`: how long it took to make. `command`: what made it.
    """

    position: int
    digest: str
    name: str
    bytes: int
    entries: int
    counts: ChangeCounts = ChangeCounts()
    created_at: float | None = None
    seconds: float | None = None
    result: str = ""
    produced_by: str | None = None
    command: str = ""


class PlaceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A place and its layers, lowest first. `own`: the position of the task's own layer, the last; None
    when it changed nothing. `workspace`: relative to the root; "" of an image. `bytes`, `entries`: of all
    layers merged. `notices`: what a user should know, such as that the system folders are this machine's own.
    `is_counted`: the layers' `counts` are known.
    """

    place: str
    title: str
    layers: tuple[LayerSummary, ...]
    own: int | None = None
    workspace: str = ""
    bytes: int = 0
    entries: int = 0
    notices: tuple[str, ...] = ()
    is_counted: bool = True


class FileRow(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a directory.

    `kind` as in `engine.file_tree.Entry`. `bytes`: of a file its size, of a directory all that lies in it.
    `change`: against the state it is compared with; a removed entry is as it was there. `counts`: changes
    below a directory, itself not included. `children`: how many entries it shows when it is opened.
    `layer`: the position of the layer that holds it.
    """

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    bytes: int
    layer: int
    change: ChangeWord | None = None
    children: int = 0
    counts: ChangeCounts = ChangeCounts()
    target: str = ""
    mtime: float = 0.0


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a directory: `rows` from `offset` on, of `total`. `matches`: of a name filter, all."""

    path: str
    total: int
    offset: int
    rows: tuple[FileRow, ...]
    bytes: int = 0
    counts: ChangeCounts = ChangeCounts()
    matches: int | None = None


class FileDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one path of a state. `path` None in `resolved`: a link that leads nowhere.

    `resolved`: where a link leads, all links followed. `layer_name`: the task that wrote it. `before`: the
    same path in the state that it is compared with. `links`: other names of the same file in its layer.
    """

    path: str
    row: FileRow | None
    before: FileRow | None = None
    digest: str = ""
    before_digest: str = ""
    xattrs: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    resolved: str | None = None
    layer_name: str = ""


class FileChange(msgspec.Struct, frozen=True, array_like=True):
    """One path that differs between two states; a row's name is the last part of the path."""

    path: str
    change: ChangeWord
    before: FileRow | None
    after: FileRow | None


class FileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Part of all differences between two states, sorted by path: from `offset` on, of `counts.total`."""

    offset: int
    changes: tuple[FileChange, ...]
    counts: ChangeCounts = ChangeCounts()


class FoundName(msgspec.Struct, frozen=True, array_like=True):
    """A path whose name was searched for."""

    path: str
    kind: str
    bytes: int
    change: ChangeWord | None = None


class FoundNames(msgspec.Struct, frozen=True, kw_only=True):
    """Part of what a search for names found, sorted by path."""

    offset: int
    total: int
    found: tuple[FoundName, ...]


class FoundLine(msgspec.Struct, frozen=True, kw_only=True, tag="line", tag_field="type"):
    """A line of a file that contains what was searched for; `number` from 1; long lines are cut to `text`."""

    path: str
    number: int
    text: str


class SearchProgress(msgspec.Struct, frozen=True, kw_only=True, tag="progress", tag_field="type"):
    """How far a search through contents has come. `is_cut`: there was more than is told.

    `skipped`: files that were not read, because they are binary or too large.
    """

    files: int
    files_in_all: int
    bytes: int
    found: int
    skipped: int = 0
    is_cut: bool = False
    done: bool = False


class WastedPath(msgspec.Struct, frozen=True, kw_only=True):
    """A path that takes space more than once: `bytes` of all its versions, `count` of them.

    `layers`: the positions that hold it, lowest first. `advice`: what to filter or delete, and in which task.
    """

    path: str
    bytes: int
    count: int
    layers: tuple[int, ...]
    advice: str = ""


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """Efficiency as dive defines it: `score` 0 to 1; `bytes` wasted.

    `user_bytes`: of all layers but the lowest. `paths`: the worst first, some hundreds at most, of `count`.
    `by_layer`: (position, bytes that it wasted).
    """

    score: float
    bytes: int
    user_bytes: int
    count: int
    paths: tuple[WastedPath, ...]
    by_layer: tuple[tuple[int, int], ...] = ()


class PlaceChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A place that one can look at or compare with."""

    place: str
    title: str
    detail: str = ""
