"""The layers of a place in columns: who made each, how large it is, what it changed, whether it was a hit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.api.file_messages import LayerSummary
from engine.explain import printable
from tui.format import Glyphs, age_text, duration_text, role_of, size_text
from tui.model.file_row_cells import counts_spans
from tui.model.spans import Row, Span, fitted, padded_row, row_cells

_GAP = 2
_LEAD = 4  # the cursor, the mark A or B, the glyph, a space
_WIDTHS = {"size": 5, "result": 8, "age": 7, "changes": 14, "time": 6}
_RIGHT = frozenset({"size", "age", "time"})
_NEEDED = {"size": 6, "result": 12, "age": 14, "changes": 18, "time": 20}  # cells that the name then keeps
_MOST_NAME = 60
_LEAST_NAME = 12  # beside a number
_MARK_ROLES = {"A": "lane-1", "B": "lane-2", "=": "edge-active"}
_STATES = {"hit": "cached", "executed": "ok", "failed": "failed", "base": "cached", "image": "cached"}
_DIGITS = 12


class LayerColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of the names, and of the numbers before them; what stands to the right."""

    name: int
    number: int = 0
    others: tuple[str, ...] = ()


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The positions of the layers that are compared, of those that are shown."""

    a: int | None = None
    b: int | None = None

    def at(self, position: int) -> str:
        """`A`, `B`, `=` for both, or a space."""
        if position == self.a:
            return "=" if position == self.b else "A"
        return "B" if position == self.b else " "


def layer_columns(width: int, count: int) -> LayerColumns:
    """How `width` cells are shared out for so many layers."""
    left = width - _LEAD
    others = []
    for column, least in _NEEDED.items():
        room = left - _WIDTHS[column] - _GAP
        if room < least:
            break
        others.append(column)
        left = room
    number = len(str(count))
    if left - number - 1 < (_LEAST_NAME if "age" in others else _NEEDED["changes"]):
        number = 0
    else:
        left -= number + 1
    return LayerColumns(name=max(1, min(left, _MOST_NAME)), number=number, others=tuple(others))


def heading_spans(columns: LayerColumns, count: int, glyphs: Glyphs) -> Row:
    """The line above the layers."""
    label = f"{count} layer{'' if count == 1 else 's'}"
    if len(label) > columns.name:
        label = "layer"
    lead = " " * (_LEAD + (columns.number + 1 if columns.number else 0))
    spans: Row = (Span(lead), *padded_row((Span(label),), columns.name, glyphs.ellipsis))
    for column in columns.others:
        spans += (Span(" " * _GAP), *_cell(column, (Span(column),), glyphs))
    return spans


def layer_row_spans(
    layer: LayerSummary, columns: LayerColumns, marks: Marks, now: float, glyphs: Glyphs, *, is_cursor: bool
) -> Row:
    """One layer; `now` in seconds since the epoch."""
    mark = marks.at(layer.position)
    state = _STATES.get(layer.result, "queued")
    pointer = ("▸" if glyphs.is_unicode else ">") if is_cursor else " "
    spans: Row = (
        Span(pointer),
        Span(mark, _MARK_ROLES.get(mark, ""), bold=True),
        Span(f"{glyphs.glyph(state)} ", role_of(state)),
    )
    if columns.number:
        spans += (Span(f"{layer.position + 1:>{columns.number}} ", "dim-text"),)
    spans += padded_row((Span(layer_name(layer)),), columns.name, glyphs.ellipsis)
    for column in columns.others:
        spans += (Span(" " * _GAP), *_cell(column, _content(column, layer, now, glyphs), glyphs))
    return spans


def layer_name(layer: LayerSummary) -> str:
    """The task that made it, or what else is known of it."""
    name = layer.name or layer.command or layer.digest.rpartition(":")[2][:_DIGITS]
    return printable(" ".join(name.split()))


def place_kept(before: Sequence[LayerSummary], cursor: int, now: Sequence[LayerSummary]) -> int:
    """Where the cursor goes when other layers are shown: to the same one, else to the last."""
    if 0 <= cursor < len(before):
        layer = before[cursor]
        for place, other in enumerate(now):
            if (other.digest, other.name) == (layer.digest, layer.name):
                return place
    return len(now) - 1


def _content(column: str, layer: LayerSummary, now: float, glyphs: Glyphs) -> Row:
    match column:
        case "size":
            return (Span(size_text(layer.bytes)),)
        case "result":
            state = _STATES.get(layer.result, "queued")
            return (Span(layer.result, role_of(state) if state == "failed" else "dim-text"),)
        case "age":
            text = "" if layer.created_at is None else age_text(max(0.0, now - layer.created_at))
        case "changes":
            return counts_spans(layer.counts, glyphs)
        case _:
            text = "" if layer.seconds is None else duration_text(layer.seconds)
    return (Span(text, "dim-text"),)


def _cell(column: str, content: Row, glyphs: Glyphs) -> Row:
    width = _WIDTHS[column]
    if column not in _RIGHT:
        return padded_row(content, width, glyphs.ellipsis)
    content = fitted(content, width, glyphs.ellipsis)
    return (Span(" " * (width - row_cells(content))), *content)
