"""`outcrop files`: list, print, compare, search or export the files of a task."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from engine.commands.kept_files import KeptFiles, files_of, make_readable, read
from engine.commands.past_runs import add_run_option, open_store, task_named
from engine.explain import printable
from engine.file_tree import Entry, FileTree
from engine.layer_files.links import PathNotFound, resolved
from engine.model.errors import UsageError
from engine.past.file_changes import Difference, below, change_of, differences
from engine.past.text_diff import LARGEST, unified
from engine.progress.glyphs import Glyphs
from engine.store.store import Store
from engine.terminal.console import Console
from engine.terminal.units import size_text

_MARKS = {"added": ("A", "32"), "changed": ("M", "33"), "removed": ("D", "31"), "metadata": ("m", "36")}
_CHUNK = 1 << 20
_HOST_FOLDERS = ("usr", "etc", "opt", "bin", "lib", "lib64", "sbin")


_PATH_HELP = "diff: the other TASK or TASK@RUN; find: part of a name, or `*.py`; grep: a regular expression"
_DESTINATION_HELP = "export: the same as `--output`; find and grep: where to look"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("action", choices=("ls", "cat", "diff", "find", "grep", "export"))
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("path", nargs="?", metavar="PATH", help=_PATH_HELP)
    parser.add_argument("destination", nargs="?", metavar="DEST", help=_DESTINATION_HELP)
    add_run_option(parser)
    parser.add_argument("--layer", action="store_true", help="only what this task changed")
    parser.add_argument("--recursive", "-r", action="store_true", help="ls: all that lies below")
    parser.add_argument("--ignore-case", "-i", action="store_true", help="find and grep: A is a")
    parser.add_argument("--json", action="store_true", help="ls, diff, find and grep: an array of objects")
    parser.add_argument("--output", "-o", metavar="DEST", help="export: a directory, a `.tar` file, or `-`")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Do one of the six."""
    store = open_store(console)
    past, task = task_named(store, options.task, options.run)
    if options.action in ("find", "grep"):
        from engine.commands import files_search  # only for those

        with store:
            search = files_search.find if options.action == "find" else files_search.grep
            return search(store, past, task, options, console)
    files = files_of(past, task.description.task)
    if options.action == "ls":
        _list(files, options, console)
    elif options.action == "cat":
        _cat(files, options, console)
    elif options.action == "diff":
        _diff(store, files, options, console)
    else:
        from engine.commands.export import export  # tar is slow to import

        path = _resolved(files, files.after, options.path or ".")
        export(files, path, options.output or options.destination, console, only_layer=options.layer)
    return 0


def _resolved(files: KeptFiles, tree: FileTree, path: str, *, follow_last: bool = True) -> str:
    """PATH, relative to the workspace or absolute, as a path of the tree; UsageError where nothing is."""
    start = path if path.startswith("/") else f"{files.workspace}/{path}"
    try:
        return resolved(tree.get, start, follow_last=follow_last)
    except PathNotFound as error:
        hint = None
        if files.kept.is_host_base and start.lstrip("/").split("/")[0] in _HOST_FOLDERS:
            hint = "with the base `host:` the system folders are this machine's own"
        message = f"there is no `{printable(path)}` in the files of `{files.kept.task}`"
        raise UsageError(message, hint) from error


def _list(files: KeptFiles, options: argparse.Namespace, console: Console) -> None:
    found = _listed(files, options.path or ".", recursive=options.recursive, only_layer=options.layer)
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (entry_object(path, entry, change) for path, entry, change in found))
        return
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    for path, entry, change in found:
        console.line(_line(path, entry, change, glyphs))


Listed = Iterator[tuple[str, Entry, str | None]]


def _listed(files: KeptFiles, path: str, *, recursive: bool, only_layer: bool) -> Listed:
    """(path relative to PATH, entry, how the task changed it); removed entries only with `only_layer`."""
    tree = files.after
    if only_layer:
        removed = {path: entry for path, entry in files.before.items() if path not in tree}
        tree = {**tree, **removed}
        changed = {path for path in tree if change_of(files.before.get(path), files.after.get(path))}
        parents = {path[:end] for path in changed for end, letter in enumerate(path) if letter == "/"}
        tree = {path: entry for path, entry in tree.items() if path in changed or path in parents}
        place = _resolved(files, {**files.before, **files.after}, path)
    else:
        place = _resolved(files, tree, path)
    entry = tree.get(place)
    if entry is not None and entry.kind != "directory":
        yield place.rpartition("/")[2], entry, change_of(files.before.get(place), files.after.get(place))
        return
    for name, entry in below(tree, place, recursive=recursive):
        full = f"{place}/{name}" if place else name
        yield name, entry, change_of(files.before.get(full), files.after.get(full))


def entry_object(path: str, entry: Entry | None, change: str | None) -> dict[str, object] | None:
    """An entry as an object of `files ls --json`."""
    if entry is None:
        return None
    return {
        "path": path,
        "type": as_type(entry),
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "size": entry.size,
        "target": entry.target if entry.kind == "symlink" else None,
        "change": change,
    }


def _line(path: str, entry: Entry, change: str | None, glyphs: Glyphs) -> str:
    letter, style = _MARKS[change] if change else (" ", "0")
    kind = "-" if entry.kind == "file" else entry.kind[0].replace("s", "l").replace("f", "p")
    name = printable(path) + ("/" if entry.kind == "directory" else "")
    if entry.kind == "symlink":
        name += f" -> {printable(entry.target)}"
    owner = f"{entry.uid}:{entry.gid}"
    size = size_text(entry.size) if entry.kind == "file" else "-"
    mark = glyphs.styled(style, letter) if change else letter
    return f"{mark} {kind}{entry.mode:04o} {owner:>9} {size:>6} {name}"


def _cat(files: KeptFiles, options: argparse.Namespace, console: Console) -> None:
    if options.path is None:
        raise UsageError("`files cat` needs a PATH", f"see `outcrop files ls {options.task}`")
    path = _resolved(files, files.after, options.path)
    entry = files.after.get(path)
    if entry is None or entry.kind != "file":
        kind = "directory" if entry is None else as_type(entry)
        raise UsageError(f"`{printable(options.path)}` is no file but a {kind}")
    if options.layer and change_of(files.before.get(path), entry) is None:
        raise UsageError(f"`{options.task}` did not change `{printable(options.path)}`")
    place = files.sources({path: entry})[path]
    make_readable([place], files)
    with open(place, "rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            console.write(data)


def _diff(store: Store, files: KeptFiles, options: argparse.Namespace, console: Console) -> None:
    """Against what the task started from, or against what another task left."""
    other: KeptFiles | None = None
    if options.path is not None:
        past, task = task_named(store, options.path, options.run)
        other = files_of(past, task.description.task)
    found = differences(files.before if other is None else other.after, files.after)
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (_difference_object(one, files.workspace) for one in found))
        return
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    compared = [one for one in found if one.change != "metadata"]
    old = (other or files).sources({one.path: one.before for one in compared if one.before is not None})
    new = files.sources({one.path: one.after for one in compared if one.after is not None})
    make_readable([*old.values(), *new.values()], files)
    for one in found:
        for line in _difference_lines(one, files.workspace, old.get(one.path), new.get(one.path), glyphs):
            console.line(line)


def shown_path(path: str, workspace: str) -> str:
    """As PATH is written: relative to the workspace, or absolute outside of it."""
    if path == workspace:
        return "."
    inside = path.startswith(f"{workspace}/")
    return path[len(workspace) + 1 :] if inside else f"/{path}"


def _difference_object(one: Difference, workspace: str) -> dict[str, object]:
    path = shown_path(one.path, workspace)
    return {
        "path": path,
        "change": one.change,
        "before": entry_object(path, one.before, None),
        "after": entry_object(path, one.after, one.change),
    }


def _difference_lines(
    one: Difference, workspace: str, before: str | None, after: str | None, glyphs: Glyphs
) -> Iterator[str]:
    letter, style = _MARKS[one.change]
    path = printable(shown_path(one.path, workspace))
    old, new = (_described(entry) for entry in (one.before, one.after))
    yield f"{glyphs.styled(style, letter)} {path}  {' → '.join(text for text in (old, new) if text)}"
    if before is None and after is None:
        return
    if max(entry.size for entry in (one.before, one.after) if entry is not None) > LARGEST:
        yield "  (too large to be compared by line)"
        return
    contents = [b"" if place is None else read(place) for place in (before, after)]
    lines = unified(contents[0], contents[1], f"a/{path}", f"b/{path}")
    if not lines and any(contents):
        yield "  (binary)"
    for line in lines:
        yield "  " + _coloured(printable(line), glyphs)


def _coloured(line: str, glyphs: Glyphs) -> str:
    style = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return line if style is None else glyphs.styled(style, line)


def _described(entry: Entry | None) -> str:
    if entry is None:
        return ""
    size = f" {size_text(entry.size)}" if entry.kind == "file" else ""
    target = f" -> {printable(entry.target)}" if entry.kind == "symlink" else ""
    return f"{as_type(entry)} {entry.mode:04o} {entry.uid}:{entry.gid}{size}{target}"


def as_type(entry: Entry) -> str:
    """The word of the command line for what an entry is."""
    return "device" if entry.kind in ("character", "block") else entry.kind
