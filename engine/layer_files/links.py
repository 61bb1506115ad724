"""Where a path leads to, when the symlinks of a tree are followed."""

from __future__ import annotations

from collections.abc import Callable

from engine.file_tree import DIRECTORY, Entry

_MOST_LINKS = 40  # as Linux follows


class PathNotFound(Exception):
    """There is nothing at a path; `path` is how far the way led, and what was looked for there."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def resolved(entry_at: Callable[[str], Entry | None], path: str, *, follow_last: bool = True) -> str:
    """`path` with its symlinks followed within a tree, which they can't leave.

    PathNotFound when it leads nowhere, also through too many links.
    """
    pending = [name for name in path.split("/") if name not in ("", ".")][::-1]
    place: list[str] = []
    links = 0
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        if name == "..":
            place = place[:-1]
            continue
        place.append(name)
        entry = entry_at("/".join(place))
        if entry is None:
            raise PathNotFound("/".join(place))
        if entry.kind == "symlink" and (pending or follow_last):
            links += 1
            if links > _MOST_LINKS:
                raise PathNotFound("/".join(place))
            place = [] if entry.target.startswith("/") else place[:-1]
            pending.extend(reversed(entry.target.split("/")))
        elif entry.kind != DIRECTORY and pending:
            raise PathNotFound("/".join((*place, *reversed(pending))))
    return "/".join(place)
