"""`outcrop files find` and `outcrop files grep`: names and contents in the whole filesystem of a task."""

from __future__ import annotations

import argparse
import fnmatch
import os
from collections.abc import Iterator

from engine.commands.files import as_type, shown_path
from engine.explain import printable
from engine.inspection.line_search import LineSearch
from engine.inspection.place import PlaceState
from engine.inspection.places import Places
from engine.inspection.search_messages import Line, Said, Search
from engine.inspection.search_process import Searching
from engine.inspection.state_files import all_below, searched_files, shown_below
from engine.layer_files.names import from_wire
from engine.layer_files.search import NameMatch
from engine.layer_files.view import Place as ViewPlace
from engine.layer_files.view import View
from engine.model.errors import MachineError, UsageError
from engine.past.past_run import PastRun
from engine.run_state import TaskState
from engine.store.store import Store
from engine.terminal.console import Console

_PRESENT = frozenset(("added", "changed", "metadata", "unchanged"))
_CHANGED = frozenset(("added", "changed", "metadata"))
_WITH_OTHER_CONTENT = frozenset(("added", "changed"))


def find(store: Store, past: PastRun, task: TaskState, options: argparse.Namespace, console: Console) -> int:
    """Print the paths whose names match; 0 when there are some."""
    state = _state(store, past, task)
    match = _name_match(_pattern(options), ignore_case=options.ignore_case)
    changes = _CHANGED if options.layer else _PRESENT
    view = View(state.state, state.below.state, changes=changes, names=match)
    inside = _inside(state, options.destination)
    found = view.walk(inside)
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (_object(state, place) for place in found))
    else:
        for place in found:
            console.line(printable(shown_path(place.path, state.place.workspace)))
    return 0 if view.count(inside) else 1


def grep(store: Store, past: PastRun, task: TaskState, options: argparse.Namespace, console: Console) -> int:
    """Print the lines that match; 0 when there are some."""
    pattern = _pattern(options)
    LineSearch(pattern, is_regex=True, ignore_case=options.ignore_case)
    state = _state(store, past, task)
    inside = _inside(state, options.destination)
    if options.layer:
        view = View(state.state, state.below.state, changes=_WITH_OTHER_CONTENT)
        files = shown_below(state, view, lambda: state.place.lock, inside)
    else:
        files = all_below(state, inside)
    order = Search(
        root=store.root, pattern=pattern, is_regex=True, ignore_case=options.ignore_case, files_in_all=0
    )
    _see_files_of_all_ids()
    found: list[Line] = []

    def say(said: Said) -> None:
        if isinstance(said, Line):
            found.append(said)
            if not options.json:
                path = shown_path(from_wire(said.path), state.place.workspace)
                console.line(f"{printable(path)}:{said.number}:{printable(said.text)}")
        elif said.done and said.is_cut:
            console.error(f"note: more lines match than the {said.found} that are shown")

    Searching(order, say).run(searched_files(state, files))
    if options.json:
        from engine.commands.json_output import write_array

        write_array(console, _lines(found, state.place.workspace))
    return 0 if found else 1


def _state(store: Store, past: PastRun, task: TaskState) -> PlaceState:
    places = Places(store, lambda directory: past.state)
    return places.state(f"task:{past.run}/{task.description.task}")


def _pattern(options: argparse.Namespace) -> str:
    if not options.path:
        raise UsageError(f"`files {options.action}` needs a pattern", "give what to look for after the TASK")
    return str(options.path)


def _name_match(pattern: str, *, ignore_case: bool) -> NameMatch:
    """Part of a name; with `*`, `?` or `[` a whole name, and with a "/" of a path."""
    if not any(letter in pattern for letter in "*?["):
        return NameMatch(pattern, ignore_case=ignore_case)
    written = f"*/{pattern.lstrip('/')}" if "/" in pattern else pattern
    return NameMatch(fnmatch.translate(written), is_regex=True, ignore_case=ignore_case)


def _inside(state: PlaceState, path: str | None) -> str:
    """PATH as a path of the tree, all of it by default; UsageError where nothing is."""
    if path is None:
        return ""
    start = path if path.startswith("/") else f"{state.place.workspace}/{path}"
    resolved = state.state.resolve(start)
    if resolved is None:
        raise UsageError(f"there is no `{printable(path)}` in the files of `{state.place.title}`")
    return resolved


def _object(state: PlaceState, place: ViewPlace) -> dict[str, object]:
    assert place.after is not None
    entry = state.state.layers[place.after[0]].entry_at(place.after[1])
    return {
        "path": shown_path(place.path, state.place.workspace),
        "type": as_type(entry),
        "size": entry.size,
        "change": place.change,
    }


def _lines(found: list[Line], workspace: str) -> Iterator[dict[str, object]]:
    for line in found:
        path = shown_path(from_wire(line.path), workspace)
        yield {"path": path, "line": line.number, "text": line.text}


def _see_files_of_all_ids() -> None:
    """Some files of a rootless store can be read inside the user namespace only."""
    if os.geteuid() == 0:
        return
    from engine.sandbox import namespace

    try:
        namespace.enter_user_namespace()
    except MachineError:
        return  # what can be read is searched
