"""What stands around the lanes: the scale of time, how busy each core is, the memory."""

from __future__ import annotations

from collections.abc import Sequence

from engine.usage import Usage
from tui.format import Glyphs, clock_text, share_of_size, size_text
from tui.model.lanes import Lane
from tui.model.run_model import RunModel
from tui.model.spans import Row, Span, fitted, padded_row, row_cells
from tui.model.sparkline import sparkline

_WIDE = 90  # columns from which the right side has room for the last samples of a core
_SAMPLES = 6


def label_width(lanes: Sequence[Lane]) -> int:
    """Cells for the number of a core and what stands around it; `mem` has room too."""
    return max(3, len(str(max((lane.core for lane in lanes), default=0)))) + 1


def right_width(width: int) -> int:
    """Cells for how busy a core is."""
    return 6 if width < _WIDE else 6 + _SAMPLES + 1


def axis_row(model: RunModel, zoom: float, width: int, glyphs: Glyphs) -> Row:
    """The scale of time over the lanes, and how many tasks no lane was left for."""
    left, right = label_width(model.lanes.lanes), right_width(width)
    room = max(0, width - left - right)
    minus = "−" if glyphs.is_unicode else "-"
    begin, end = f"{minus}{_span_text(zoom)} ", " now" if model.rested_at is None else " end"
    middle = f" {minus}{_span_text(zoom / 2)} "
    line = begin + glyphs.dash * max(0, room - len(begin) - len(end)) + end
    if room >= 3 * len(middle) + len(begin) + len(end):
        place = room // 2 - len(middle) // 2
        line = line[:place] + middle + line[place + len(middle) :]
    crowd = len(model.lanes.unplaced)
    tail: Row = (Span(f" +{crowd} more", "task-retried", bold=True),) if crowd else ()
    row: Row = (Span("cpu".ljust(left)[:left], "dim-text"), Span(line[:room], "dim-text"))
    return padded_row((*fitted(row, width - row_cells(tail)), *tail), width)


def _span_text(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 20 else f"{round(seconds, 1):g} s"
    return clock_text(round(seconds))


def busy_row(model: RunModel, core: int, width: int, glyphs: Glyphs) -> Row:
    """How busy a core is: a bar for each of the last samples, and the last one in per cent."""
    if model.rested_at is not None or not model.samples:
        return ()
    last = list(_last(model, _SAMPLES))
    if core >= len(last[-1].busy):
        return ()
    now = last[-1].busy[core]
    percent = Span(f"{round(100 * now):>4}%", "dim-text" if now < 0.05 else "")
    if width <= 6:
        return (Span(" "), percent)
    shares = [sample.busy[core] if core < len(sample.busy) else None for sample in last]
    line = sparkline(shares, top=1.0, is_unicode=glyphs.is_unicode).rjust(_SAMPLES)
    return (Span(" "), Span(line, "edge"), Span(" "), percent)


def _last(model: RunModel, count: int) -> Sequence[Usage]:
    size = len(model.samples)
    return [model.samples[index] for index in range(max(0, size - count), size)]


def memory_row(model: RunModel, start: float, end: float, width: int, glyphs: Glyphs) -> Row:
    """Memory of the machine: in use over the time of the lanes, now, and the task that has most of it."""
    left, right = label_width(model.lanes.lanes), right_width(width)
    label = Span("mem".ljust(left)[:left], "dim-text")
    if not model.samples:
        return (label,)
    last = model.samples[-1]
    room = max(0, width - left - right)
    words: Row = (Span(share_of_size(last.memory, last.memory_total)),)
    biggest = max(last.tasks, key=lambda task: last.tasks[task].memory, default=None)
    if biggest is not None:
        size = size_text(last.tasks[biggest].memory)
        words += (Span(f"  {biggest} ", "dim-text"), Span(size, "dim-text"))
    words = (*fitted(words, room, glyphs.ellipsis), Span(" "))
    cells = max(0, room - row_cells(words))
    line = sparkline(_over_time(model, start, end, room), top=1.0, is_unicode=glyphs.is_unicode)
    percent = f"{round(100 * last.memory / last.memory_total) if last.memory_total else 0:>4}%"
    gap = Span(" " * max(1, right - len(percent)))
    return padded_row(
        (label, *words, Span(line[len(line) - cells :], "dim-text"), gap, Span(percent)),
        width,
        glyphs.ellipsis,
    )


def _over_time(model: RunModel, start: float, end: float, width: int) -> list[float | None]:
    """The part of the memory in use at the time of each cell: of the sample before it, None before all."""
    found: list[float | None] = [None] * width
    samples = reversed(model.samples)
    sample = next(samples, None)
    for index in reversed(range(width)):
        at = start + (end - start) * (index + 1) / width
        while sample is not None and sample.at > at:
            sample = next(samples, None)
        if sample is None:
            break
        found[index] = sample.memory / sample.memory_total if sample.memory_total else 0.0
    return found
