"""The report of `outcrop inspect` as text, and as an object."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from engine.explain import printable
from engine.inspection.place import PlaceLayer
from engine.inspection.waste import Waste, WastedPath
from engine.progress.glyphs import Glyphs
from engine.progress.width import cells
from engine.terminal.units import size_text

_MOST_PATHS = 20
_GOOD = 0.95
_MANY_COLUMNS = 100


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at. `form`: `task`, or what kind of file an image is. `sizes`: (bytes, entries)."""

    place: str
    title: str
    form: str
    platform: str = ""
    layers: tuple[PlaceLayer, ...]
    sizes: tuple[tuple[int, int], ...]
    waste: Waste
    notices: tuple[str, ...] = ()


def report(inspected: Inspected, glyphs: Glyphs, columns: int) -> Iterator[str]:
    """Lines for people; `columns` 0: as long as they are."""
    width = columns or _MANY_COLUMNS * 10
    waste = inspected.waste
    about = "  ".join(filter(None, (inspected.form, inspected.platform)))
    yield f"{glyphs.styled('1', printable(inspected.title))}  {about}"
    percent = f"{waste.score * 100:.1f}%"
    style = "32" if waste.score >= _GOOD else "33"
    shares = f"{size_text(waste.total_bytes)} in all, {size_text(waste.user_bytes)} above the lowest layer"
    yield f"efficiency {glyphs.styled(style, percent)}  {size_text(waste.bytes)} wasted  {shares}"
    for notice in inspected.notices:
        yield f"note: {notice}"
    yield ""
    yield from _layer_lines(inspected, glyphs, width)
    if waste.paths:
        yield ""
        count = f"{waste.count} path{'' if waste.count == 1 else 's'}"
        shown = min(_MOST_PATHS, len(waste.paths))
        worst = f", the worst {shown}" if shown < waste.count else ""
        yield f"wasted in {count}{worst}:"
        for path in waste.paths[:_MOST_PATHS]:
            yield from _path_lines(path, inspected, glyphs, width)


def _layer_lines(inspected: Inspected, glyphs: Glyphs, width: int) -> Iterator[str]:
    wasted = dict(inspected.waste.by_layer)
    yield glyphs.styled("2", f"{'layer':>5} {'size':>6} {'files':>7} {'wasted':>6}  {'made':<16} by")
    rows = zip(inspected.layers, inspected.sizes, strict=True)
    for position, (layer, (size, entries)) in enumerate(rows):
        lost = size_text(wasted[position]) if position in wasted else "-"
        result = "" if layer.result == "image" else layer.result
        line = f"{position + 1:>5} {size_text(size):>6} {entries:>7} {lost:>6}"
        line += f"  {_when(layer.created_at):<16} "
        name = " ".join(filter(None, (printable(layer.name), f"({result})" if result else "")))
        yield line + _cut(name, max(20, width - cells(line)), glyphs)


def _path_lines(wasted: WastedPath, inspected: Inspected, glyphs: Glyphs, width: int) -> Iterator[str]:
    yield f"{size_text(wasted.bytes):>6} {wasted.count}×  {glyphs.styled('1', '/' + printable(wasted.path))}"
    layers = ", ".join(str(position + 1) for position in dict.fromkeys(wasted.layers))
    yield glyphs.styled("2", f"            layers {layers}")
    yield from _wrapped(wasted.advice, "            ", width)


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """Words on lines that fit."""
    line = indent
    for word in text.split(" "):
        if cells(line) + cells(word) > width and line.strip():
            yield line.rstrip()
            line = indent
        line += f"{word} "
    if line.strip():
        yield line.rstrip()


def _cut(text: str, width: int, glyphs: Glyphs) -> str:
    if cells(text) <= width:
        return text
    while cells(text) > width - 1:
        text = text[:-1]
    return text + glyphs.ellipsis


def _when(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def report_object(inspected: Inspected) -> dict[str, object]:
    """For programs: sizes in bytes, layers counted from 0, the lowest first."""
    waste = inspected.waste
    wasted = dict(waste.by_layer)
    return {
        "place": inspected.place,
        "title": inspected.title,
        "form": inspected.form,
        "platform": inspected.platform or None,
        "efficiency": waste.score,
        "wasted_bytes": waste.bytes,
        "total_bytes": waste.total_bytes,
        "user_bytes": waste.user_bytes,
        "wasted_paths": waste.count,
        "notices": list(inspected.notices),
        "layers": [
            {
                "position": position,
                "digest": layer.digest,
                "name": layer.name,
                "result": layer.result or None,
                "command": layer.command or None,
                "created_at": layer.created_at,
                "bytes": size,
                "entries": entries,
                "wasted_bytes": wasted.get(position, 0),
            }
            for position, (layer, (size, entries)) in enumerate(
                zip(inspected.layers, inspected.sizes, strict=True)
            )
        ],
        "paths": [
            {
                "path": f"/{path.path}",
                "bytes": path.bytes,
                "count": path.count,
                "layers": list(path.layers),
                "blame": path.blame,
                "advice": path.advice or None,
            }
            for path in waste.paths
        ],
    }
