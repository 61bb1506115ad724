"""Writes a file or folder of a layer to a place of the user's, and says how far it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

from engine.api.file_messages import FileRow
from engine.api.messages import Refusal
from engine.explain import printable
from tui.files_bridge import FilesBridge
from tui.format import size_text
from tui.model.inspected import Inspected

_MOST_NOTICES = 2


class Say(Protocol):
    """Tells the user something once; `seconds` 0: until something else is said."""

    def __call__(self, text: str, *, is_error: bool = False, seconds: float = 8.0) -> None: ...


def export_question(inspected: Inspected, path: str, row: FileRow) -> tuple[str, str]:
    """What to ask before, and the name to begin with."""
    name = printable(path.rpartition("/")[2]) or "files"
    what = "what changed in " if _is_partial(inspected, row) else ""
    return f"export {what}/{printable(path)} to", name


def export(
    files: FilesBridge, inspected: Inspected, path: str, row: FileRow, destination: str, say: Say
) -> None:
    """Write it to `destination`, which begins at the current directory; never over what is there."""
    view = inspected.view
    if view is None:
        return
    target = os.path.abspath(os.path.expanduser(destination))
    words = printable(target)
    if os.path.lexists(target):
        say(f"{words} is there already: choose another name", is_error=True)
        return

    def exported(notices: Sequence[str]) -> None:
        say("; ".join((f"exported to {words}", *notices[:_MOST_NOTICES])))

    def refused(refusal: Refusal) -> None:
        say(" - ".join(filter(None, (refusal.message, refusal.hint))), is_error=True)

    def went_on(count: int, size: int) -> None:
        say(f"exporting to {words}: {count:,} files, {size_text(size)}", seconds=0)

    say(f"exporting to {words}", seconds=0)
    files.export(
        view.before if row.change == "removed" else view.state,
        path,
        target,
        exported,
        refused,
        progress=went_on,
        before=None if row.change == "removed" else view.before,
        changed_only=_is_partial(inspected, row),
    )


def _is_partial(inspected: Inspected, row: FileRow) -> bool:
    """Of a folder what is shown of it: without what is unchanged, where that is hidden."""
    return inspected.is_alone and row.kind == "directory" and row.change != "removed"
