"""What is said between the engine and the process that searches through contents, a JSON line each."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Union

import msgspec


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of the input: the store, what to look for, how many files may come at most."""

    root: str
    pattern: str
    is_regex: bool
    ignore_case: bool
    files_in_all: int


class SearchedFile(msgspec.Struct, frozen=True, array_like=True):
    """One of the files, in the order of their paths: of a layer of the store, or in `file` from `offset` on.

    `path` is as `engine.layer_files.names.to_wire` writes it.
    """

    path: str
    size: int
    layer: str = ""
    file: str = ""
    offset: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True, tag="line", tag_field="type"):
    """A line that matches."""

    path: str
    number: int
    text: str


class Searched(msgspec.Struct, frozen=True, kw_only=True, tag="progress", tag_field="type"):
    """How far it has come; as `engine.api.file_messages.SearchProgress`."""

    files: int
    files_in_all: int
    bytes: int
    found: int
    skipped: int = 0
    is_cut: bool = False
    done: bool = False


Said = Union[Line, Searched]
