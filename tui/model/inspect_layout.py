"""Which panes of the Inspect screen are shown, by size, zoom and where the focus is."""

from __future__ import annotations

from typing import Literal

Pane = Literal["layers", "files", "preview"]
PANES: tuple[Pane, ...] = ("layers", "files", "preview")
PANE_WORDS: dict[Pane, str] = {"layers": "Layers", "files": "Files", "preview": "File"}
NARROW = 100  # columns; below that one pane at a time
WIDE = 150  # columns; from there on the layers get more room
LOW = 14  # rows; below that only lists
_TALL = 36  # rows; from there on, where it is narrow, the file is below the files


def panes(at: Pane, zoomed: Pane | None, *, width: int, height: int) -> frozenset[Pane]:
    """What is shown while `at` is what one works in."""
    if zoomed is not None:
        return frozenset((zoomed,))
    if width >= NARROW:
        return frozenset(PANES)
    if height >= _TALL and at != "layers":
        return frozenset(("files", "preview"))
    return frozenset((at,))


def pane_after(at: Pane, step: int) -> Pane:
    """The next one, or with -1 the one before, and round again."""
    return PANES[(PANES.index(at) + step) % len(PANES)]
