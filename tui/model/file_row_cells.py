"""A row of the tree of files in columns: as many as the width has room for, the same in every row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.api.file_messages import FileRow, Order
from engine.explain import printable
from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.names import from_wire
from engine.progress.width import cells
from tui.format import Glyphs, change_glyph, change_role, count_text, fold_glyph, mode_text, size_text
from tui.model.file_rows import TreeRow
from tui.model.spans import Row, Span, fitted, padded_row

_LEAD = 2  # the glyph of the change and a space
_GAP = 2
_WIDTHS = {
    "size": 5,
    "detail": 11,
    "brief": 8,
    "changes": 14,
    "mode": 10,
    "owner": 11,
    "layer": 14,
    "octal": 4,
}
_RIGHT = frozenset({"size"})
_LEAST_NAME, _FAIR_NAME, _GOOD_NAME, _AMPLE_NAME, _MOST_NAME = 12, 18, 26, 34, 64
_FOLD = 2
_STEPS = (2, 1)  # cells of a level: the first that all levels in sight have room with
_LEAST_LABEL = 10  # cells that the deepest name keeps
_CHANGES = ("added", "changed", "removed", "metadata")
_KIND_WORDS = {"fifo": "fifo", "character": "character device", "block": "block device"}
_ORDERS: dict[str, Order] = {
    "name": "name",
    "size": "size",
    "changes": "change",
    "detail": "change",
    "brief": "change",
}
_LABELS = {"detail": "changes", "brief": "changes", "octal": ""}


class FileColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of the names, and what stands to the right of them.

    `detail` or `brief`, in narrow trees: counts of directories and permissions of files, in one column.
    """

    name: int
    others: tuple[str, ...] = ()


class Indent(msgspec.Struct, frozen=True, kw_only=True):
    """How levels are shown: `step` cells for each but the first `shift`, of which no row is in sight."""

    shift: int = 0
    step: int = _STEPS[0]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows are drawn with.

    `layers`: the name of each layer, by position. `found`: a part of the names that stands out.
    """

    glyphs: Glyphs
    columns: FileColumns
    indent: Indent = Indent()
    layers: tuple[str, ...] = ()
    found: str = ""


def file_columns(width: int, *, has_layers: bool = False) -> FileColumns:
    """How `width` cells are shared out; `has_layers`: the names of the layers are known."""
    others: list[str] = []
    left = width - _LEAD

    def add(*names: str, least: int) -> bool:
        nonlocal left
        room = left - sum(_WIDTHS[name] + _GAP for name in names)
        if room >= least:
            others.extend(names)
            left = room
        return room >= least

    add("size", least=_LEAST_NAME)
    if add("changes", "mode", least=_GOOD_NAME):
        for name in ("owner", "layer", "octal"):
            if name != "layer" or has_layers:
                add(name, least=_AMPLE_NAME)
    elif not add("detail", least=_FAIR_NAME):
        add("brief", least=_LEAST_NAME)
    order = ("size", "brief", "detail", "changes", "mode", "octal", "owner", "layer")
    return FileColumns(
        name=max(1, min(left, _MOST_NAME)), others=tuple(name for name in order if name in others)
    )


def heading_spans(look: Look, order: Order, *, is_descending: bool, folder: str = "") -> Row:
    """The line above the rows, with a mark at what they are sorted by.

    `folder`: where the first row is, if that is not to be seen.
    """
    is_unicode = look.glyphs.is_unicode
    mark = ("↓" if is_unicode else ">") if is_descending else ("↑" if is_unicode else "<")
    name = "name" + (mark if order == "name" else "")
    if folder:
        name = cut_left(f"{_shown(folder)}/", look.columns.name, look.glyphs.ellipsis)
    spans: Row = (Span(" " * _LEAD), *padded_row((Span(name),), look.columns.name, look.glyphs.ellipsis))
    for column in look.columns.others:
        label = _LABELS.get(column, column) + (mark if _ORDERS.get(column) == order else "")
        spans += (Span(" " * _GAP), *_cell(column, (Span(label),), look))
    return spans


def order_at(columns: FileColumns, x: int) -> Order | None:
    """The order that a click into the heading asks for."""
    end = _LEAD + columns.name
    if x < end:
        return "name"
    for column in columns.others:
        end += _GAP + _WIDTHS[column]
        if x < end:
            return _ORDERS.get(column)
    return None


def tree_row_spans(row: TreeRow, look: Look) -> Row:
    """One row of the tree."""
    indent = " " * _indent(row.depth, look)
    if row.row is None:
        words = f"{look.glyphs.glyph('failed')} {row.problem}" if row.problem else look.glyphs.ellipsis
        role = "task-failed" if row.problem else "dim-text"
        return (Span(" " * _LEAD + indent + " " * _FOLD), Span(words, role))
    entry = row.row
    is_unicode = look.glyphs.is_unicode
    glyph = change_glyph(entry.change, is_unicode=is_unicode)
    fold = " " * _FOLD if row.is_open is None else f"{fold_glyph(row.is_open, is_unicode=is_unicode)} "
    name = (Span(indent + fold, "edge"), *_name(entry, look))
    spans: Row = (
        Span(f"{glyph} ", change_role(entry.change), bold=True),
        *padded_row(name, look.columns.name, look.glyphs.ellipsis),
    )
    for column in look.columns.others:
        spans += (Span(" " * _GAP), *_cell(column, _content(column, entry, look), look))
    return _joined(spans)


def fold_cells(row: TreeRow, look: Look) -> range:
    """The cells of a row where a click folds it; none where there is nothing to fold."""
    start = _LEAD + _indent(row.depth, look)
    return range(0) if row.is_open is None else range(start, start + _FOLD)


def indent_for(depths: Sequence[int], columns: FileColumns) -> Indent:
    """How to show the levels of these rows, so that the deepest name has room."""
    if not depths:
        return Indent()
    room = max(0, columns.name - _FOLD - _LEAST_LABEL)
    for step in _STEPS:
        levels = room // step
        if max(depths) <= levels:
            return Indent(step=step)
    return Indent(shift=min(min(depths), max(depths) - levels), step=step)


def counts_spans(counts: ChangeCounts, glyphs: Glyphs) -> Row:
    """How much changed in each way: `+3 ~1 −2`."""
    spans: list[Span] = []
    for change in _CHANGES:
        count: int = getattr(counts, change)
        if count:
            text = change_glyph(change, is_unicode=glyphs.is_unicode) + count_text(count)
            spans += [Span(" ")] if spans else []
            spans.append(Span(text, change_role(change)))
    return tuple(spans)


def cut_left(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells; what is cut off at its beginning shows as an ellipsis."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[1:]
    return ellipsis + text if width > 0 else ""


def _indent(depth: int, look: Look) -> int:
    room = max(0, look.columns.name - _FOLD - _LEAST_LABEL)
    step = look.indent.step
    return min(step * max(0, depth - look.indent.shift), room - room % step)


def _joined(spans: Row) -> Row:
    """The same in fewer spans, as each costs time: spaces may have any colour, but no background."""
    joined: list[Span] = []
    text, role, is_bold = "", "", False
    for span in spans:
        is_same = (span.role, span.bold) == (role, is_bold)
        if is_same or (role != "match" and span.text.isspace()):
            text += span.text
        elif not text.strip() and span.role != "match":
            text, role, is_bold = text + span.text, span.role, span.bold
        else:
            joined.append(Span(text, role, bold=is_bold))
            text, role, is_bold = span.text, span.role, span.bold
    return (*joined, Span(text, role, bold=is_bold))


def _shown(name: str) -> str:
    """A name from the wire as it can be printed."""
    return printable(from_wire(name))


def _name(entry: FileRow, look: Look) -> Row:
    name = _shown(entry.name)
    role = change_role(entry.change)
    is_bold = entry.kind == "directory"
    at = name.lower().find(look.found.lower()) if look.found else -1
    if at < 0:
        spans: Row = (Span(name, role, bold=is_bold),)
    else:
        end = at + len(look.found)
        spans = (
            Span(name[:at], role, bold=is_bold),
            Span(name[at:end], "match"),
            Span(name[end:], role, bold=is_bold),
        )
    if entry.kind == "symlink":
        arrow = "→" if look.glyphs.is_unicode else "->"
        return (*spans, Span(f" {arrow} {_shown(entry.target)}", "dim-text"))
    word = _KIND_WORDS.get(entry.kind)
    return (*spans, Span(f" ({word})", "dim-text")) if word else spans


def _content(column: str, entry: FileRow, look: Look) -> Row:
    match column:
        case "size":
            return (Span(size_text(entry.bytes)),) if entry.kind in ("file", "directory") else ()
        case "changes":
            if entry.kind == "directory" and entry.counts.total:
                return counts_spans(entry.counts, look.glyphs)
            return (Span(entry.change or "", change_role(entry.change)),)
        case "detail" | "brief":
            if entry.kind == "directory":
                return counts_spans(entry.counts, look.glyphs)
            return (Span(f"{entry.mode:04o}", "dim-text"),)
        case "mode":
            text = mode_text(entry.kind, entry.mode)
        case "octal":
            text = f"{entry.mode:04o}"
        case "owner":
            text = f"{entry.uid}:{entry.gid}"
        case _:
            is_known = 0 <= entry.layer < len(look.layers)
            text = printable(look.layers[entry.layer]) if is_known else ""
    return (Span(text, "dim-text"),)


def _cell(column: str, content: Row, look: Look) -> Row:
    width = _WIDTHS[column]
    if len(content) == 1 and content[0].text.isascii() and len(content[0].text) <= width:  # nearly always
        text = content[0].text
        return (Span(text.rjust(width) if column in _RIGHT else text.ljust(width), content[0].role),)
    if column not in _RIGHT:
        return padded_row(content, width, look.glyphs.ellipsis)
    content = fitted(content, width, look.glyphs.ellipsis)
    taken = sum(cells(span.text) for span in content)
    return (Span(" " * (width - taken)), *content)
