"""The lines of the Inspect screen that are no lists: what is looked at, what has changed, a layer's facts."""

from __future__ import annotations

import msgspec

from engine.api.file_messages import LayerSummary, PlaceDetails, Waste
from engine.api.messages import TaskDetails
from engine.explain import printable
from engine.layer_files.change_words import ChangeCounts, ChangeWord
from tui.format import (
    Glyphs,
    age_text,
    change_glyph,
    change_role,
    duration_text,
    role_of,
    short_run,
    size_text,
)
from tui.model.facts import Fact, Section, fact
from tui.model.inspected import Inspected, State, place_title, run_and_task
from tui.model.layer_rows import Marks
from tui.model.spans import Row, Span

_MOST_COMMAND_LINES = 4
_SHOWN_DIGITS = 16
_LETTERS: tuple[tuple[str, ChangeWord], ...] = (
    ("A", "added"),
    ("M", "changed"),
    ("D", "removed"),
    ("P", "metadata"),
)
_RESULTS = {  # of a layer: state of its glyph, words
    "hit": ("cached", "hit"),
    "executed": ("ok", "executed"),
    "failed": ("failed", "failed"),
    "base": ("cached", "base"),
}


def place_line(details: PlaceDetails | None, place: str, glyphs: Glyphs) -> tuple[Row, Row]:
    """The first line of the screen: which place, and at the right how much there is of it."""
    if details is None:
        run, task = run_and_task(place)
        name = place if run is None else f"{task}, run {short_run(run)}"
        return (Span("inspect", bold=True), Span(f" {_arrow(glyphs)} {printable(name)}", "dim-text")), ()
    title = (
        Span("inspect", bold=True),
        Span(f" {_arrow(glyphs)} ", "dim-text"),
        Span(printable(place_title(details)), "edge-active", bold=True),
    )
    count = len(details.layers)
    dot = "·" if glyphs.is_unicode else "-"
    parts = (
        size_text(details.bytes),
        f"{details.entries:,} entries",
        f"{count} layer{'' if count == 1 else 's'}",
    )
    return title, (Span(f" {dot} ".join(parts), "dim-text"),)


def is_same_but_for_counts(one: PlaceDetails, other: PlaceDetails) -> bool:
    """Whether two answers about a place differ at most in what was counted."""
    return _uncounted(one) == _uncounted(other)


def heading(inspected: Inspected, glyphs: Glyphs) -> Row:
    """What the tree shows: all files up to a layer, the layer alone, or a comparison."""
    if inspected.a is not None and inspected.b is not None:
        is_near = inspected.a.place == inspected.b.place
        before, after = state_title(inspected.a, is_near=is_near), state_title(inspected.b, is_near=is_near)
        run = run_and_task(inspected.a.place)[0]
        if run is not None and run == run_and_task(inspected.b.place)[0]:
            before, after = (words.removesuffix(f", run {short_run(run)}") for words in (before, after))
        only = " only" if inspected.is_alone else ""
        return (
            Span("A ", "lane-1", bold=True),
            Span(before, bold=True),
            Span(f" {_arrow(glyphs)} ", "dim-text"),
            Span("B ", "lane-2", bold=True),
            Span(after, bold=True),
            Span(f"  differences{only}", "dim-text"),
        )
    layer = inspected.selected
    if layer is None:
        return (Span("no layer", "dim-text"),)
    if inspected.is_alone:
        return Span(printable(layer.name), bold=True), Span(" alone", "dim-text")
    return Span("all files up to ", "dim-text"), Span(printable(layer.name), bold=True)


def legend(inspected: Inspected, counts: ChangeCounts | None, glyphs: Glyphs) -> Row:
    """The kinds of changes with their keys and numbers; what is hidden says so."""
    row: list[Span] = []
    for letter, kind in _LETTERS:
        is_shown = kind in inspected.kinds
        glyph, role = change_glyph(kind, is_unicode=glyphs.is_unicode), change_role(kind)
        count = "" if counts is None else f"{getattr(counts, kind):,}"
        row.append(Span(letter, "dim-text"))
        text = f" {glyph}{count}  " if is_shown else " off  "
        is_quiet = not is_shown or count == "0"
        row.append(Span(text, "dim-text" if is_quiet else role, bold=not is_quiet))
    row.append(Span("U", "dim-text"))
    row.append(Span(" same" if not inspected.is_alone else " off", "dim-text"))
    return tuple(row)


def marks(inspected: Inspected) -> Marks:
    """Which of the layers that are shown are A and B."""
    place = "" if inspected.details is None else inspected.details.place

    def position(state: State | None) -> int | None:
        return None if state is None or state.place != place else state.position

    return Marks(a=position(inspected.mark), b=position(inspected.b))


def notices_line(details: PlaceDetails | None, glyphs: Glyphs) -> Row:
    """What a user should know of the place; nothing mostly."""
    notices = () if details is None else details.notices
    words = "; ".join(printable(notice) for notice in notices)
    return (Span(f"{glyphs.glyph('retried')} {words}", "diag-warning"),) if words else ()


def empty_words(inspected: Inspected) -> str:
    """What to say where no file is to be shown."""
    if inspected.details is None:
        return "nothing is known of it yet"
    if inspected.filter:
        return "no name matches"
    if inspected.is_comparison:
        return "no difference" if inspected.is_alone else "no files"
    return "the layer changes nothing of this kind" if inspected.is_alone else "no files"


def layer_sections(
    layer: LayerSummary | None,
    place: PlaceDetails | None,
    task: TaskDetails | None,
    waste: Waste | None,
    now: float,
    glyphs: Glyphs,
) -> tuple[Section, ...]:
    """What is known of the selected layer. `task`: what the engine keeps of the task that made it."""
    if layer is None or place is None:
        return ()
    facts = [] if layer.result == "image" else [_result(layer, task, glyphs)]
    if task is not None and task.reason:
        facts.append(fact("why", printable(task.reason)))
    facts += _command(layer, glyphs)
    entries = f"{layer.entries:,} entr{'y' if layer.entries == 1 else 'ies'}"
    facts.append(fact("holds", f"{size_text(layer.bytes)} in {entries}"))
    if layer.counts.total:
        facts.append(Fact("changes", counts_row(layer.counts, glyphs)))
    made = "" if layer.created_at is None else age_text(max(0.0, now - layer.created_at))
    took = "" if layer.seconds is None else f"in {duration_text(layer.seconds)}"
    if made or took:
        facts.append(fact("made", ", ".join(filter(None, (made, took)))))
    if waste is not None:
        facts.append(Fact("waste", (*_waste_of(layer, waste), *waste_row(waste))))
    if task is not None and task.cache_key:
        facts.append(_digest("key", task.cache_key, glyphs))
    if layer.digest:
        facts.append(_digest("digest", layer.digest, glyphs))
    return (Section(printable(layer.name), tuple(facts)),)


def counts_row(counts: ChangeCounts, glyphs: Glyphs) -> Row:
    """`+12 ~3 −1`, what there is of it."""
    spans: list[Span] = []
    for _, kind in _LETTERS:
        number = getattr(counts, kind)
        if number:
            glyph = change_glyph(kind, is_unicode=glyphs.is_unicode)
            spans.append(Span(f"{' ' if spans else ''}{glyph}{number:,}", change_role(kind)))
    return tuple(spans)


def waste_row(waste: Waste) -> Row:
    """`3.1M in all, efficiency 98%`."""
    role = "task-ok" if waste.score >= 0.95 else "diag-warning"
    return Span(f"{size_text(waste.bytes)} in all", role), Span(f", efficiency {percent(waste.score)}")


def state_title(state: State, *, is_near: bool = False) -> str:
    """`deps` of the place that is shown; of another one `deps of build, run 01a1e0b72c`, or all of it."""
    return printable(state.layer if is_near and state.position is not None else state.words)


def percent(score: float) -> str:
    """Cut, not rounded: only what is perfect is 100%."""
    return f"{int(score * 1000) / 10:g}%"


def _waste_of(layer: LayerSummary, waste: Waste) -> Row:
    """What the layer itself wasted, where it is a part of all."""
    own = next((size for position, size in waste.by_layer if position == layer.position), 0)
    return (Span(f"{size_text(own)} here, "),) if own and own != waste.bytes else ()


def _uncounted(details: PlaceDetails) -> PlaceDetails:
    layers = tuple(msgspec.structs.replace(layer, counts=ChangeCounts()) for layer in details.layers)
    return msgspec.structs.replace(details, layers=layers, is_counted=False)


def _result(layer: LayerSummary, task: TaskDetails | None, glyphs: Glyphs) -> Fact:
    state, words = _RESULTS.get(layer.result, ("skipped", layer.result or "unknown"))
    row = [Span(f"{glyphs.glyph(state)} {words}", role_of(state))]
    produced_by = layer.produced_by or (None if task is None else task.produced_by)
    if produced_by and layer.result == "hit":
        run, _, name = produced_by.partition("/")
        row.append(
            Span(f", made by {printable(name)} in run {short_run(run)}" if name else f", made by {run}")
        )
    return Fact("result", tuple(row))


def _command(layer: LayerSummary, glyphs: Glyphs) -> list[Fact]:
    lines = layer.command.strip().splitlines()
    shown = [printable(line) for line in lines[:_MOST_COMMAND_LINES]]
    more = len(lines) - _MOST_COMMAND_LINES
    if more > 0:
        shown.append(f"{glyphs.ellipsis} {more} more line{'' if more == 1 else 's'}")
    return [
        Fact("command" if not number else " ", (Span(line),), copied=layer.command)
        for number, line in enumerate(shown)
    ]


def _digest(label: str, text: str, glyphs: Glyphs) -> Fact:
    shown = text.removeprefix("sha256:")[:_SHOWN_DIGITS]
    return Fact(label, (Span(shown + glyphs.ellipsis, "dim-text"),), copied=text)


def _arrow(glyphs: Glyphs) -> str:
    return "→" if glyphs.is_unicode else "->"


def shell_target(inspected: Inspected) -> tuple[str, str] | None:
    """The run and the task whose files are looked at, for a shell; None of an image or of the base."""
    details, layer = inspected.details, inspected.selected
    if details is None:
        return None
    run, task = run_and_task(details.place)
    if run is None or task is None:
        return None
    if layer is not None and layer.result in ("hit", "executed", "failed"):
        task = layer.name
    return run, task
