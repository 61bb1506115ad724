"""What the layers of a place waste: the score, the worst paths, whose fault it is and what helps."""

from __future__ import annotations

from engine.api.file_messages import PlaceDetails, Waste, WastedPath
from engine.explain import printable
from engine.progress.width import cells, padded
from tui.format import Glyphs, size_text
from tui.model.facts import Fact, Section, fact
from tui.model.inspect_rows import percent
from tui.model.spans import Row, Span

_GOOD = 0.95  # dive's own limit for a check
_SIZE, _COUNT = 7, 6  # cells


def summary(waste: Waste) -> Row:
    """The score and the bytes, in words."""
    is_good = waste.score >= _GOOD
    role = "task-ok" if is_good else "diag-warning"
    more = "" if len(waste.paths) == waste.count else f", the worst {len(waste.paths):,} below"
    return (
        Span(f"efficiency {percent(waste.score)}", role, bold=True),
        Span(f"  {size_text(waste.bytes)} wasted", role),
        Span(f"  of {size_text(waste.user_bytes)} above the lowest layer", "dim-text"),
        Span(f"  in {waste.count:,} path{'' if waste.count == 1 else 's'}{more}", "dim-text"),
    )


def heading() -> Row:
    """Above the list."""
    return (Span(f"  {'size':>{_SIZE}}  {'times':>{_COUNT}}  path", "dim-text"),)


def path_row(wasted: WastedPath, glyphs: Glyphs, width: int, *, is_current: bool) -> Row:
    """One path. Of a long one the end is shown, which tells more than its beginning."""
    mark = ("▸ " if glyphs.is_unicode else "> ") if is_current else "  "
    path = "/" + printable(wasted.path)
    room = width - 2 - _SIZE - 2 - _COUNT - 2
    while cells(path) > max(8, room):
        path = glyphs.ellipsis + path[2:]
    return (
        Span(mark, "edge-active"),
        Span(f"{size_text(wasted.bytes):>{_SIZE}}", "diag-warning"),
        Span(f"  {wasted.count:>{_COUNT}}", "dim-text"),
        Span(f"  {path}", bold=is_current),
    )


def path_sections(wasted: WastedPath | None, place: PlaceDetails, glyphs: Glyphs) -> tuple[Section, ...]:
    """Of the selected path: where it lies, and what to do."""
    if wasted is None:
        return ()
    names = {layer.position: layer.name for layer in place.layers}
    layers = [printable(names.get(position, f"layer {position + 1}")) for position in wasted.layers]
    arrow = " → " if glyphs.is_unicode else " -> "
    facts = [
        fact("path", "/" + printable(wasted.path)),
        Fact("written by", (Span(arrow.join(layers)),)),
        fact("advice", printable(wasted.advice) or "no advice: it is not known how it came about"),
    ]
    return (Section("", tuple(facts)),)


def layer_line(waste: Waste, place: PlaceDetails, width: int) -> Row:
    """The layers that waste most, as many as fit."""
    names = {layer.position: printable(layer.name) for layer in place.layers}
    row: list[Span] = []
    used = 0
    for position, size in sorted(waste.by_layer, key=lambda it: -it[1]):
        text = f"{names.get(position, position)} {size_text(size)}"
        if not size or used + cells(text) + 3 > width:
            break
        row.append(Span(padded(text, cells(text) + 3)))
        used += cells(text) + 3
    return (Span("by layer  ", "dim-text"), *row) if row else ()
