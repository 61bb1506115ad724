"""Past runs as rows: what became of each, against the run of the same definition before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.api.messages import RunSummary
from engine.progress.width import cells
from tui.format import Glyphs, age_text, clock_text, duration_text, length_text, role_of, short_run
from tui.model.spans import Row, Span, fitted, padded_row
from tui.model.sparkline import sparkline

_GAP = 2
_MARK = 2
_RESULT, _CHANGE = 16, 24  # at least
_SHORTEST_RESULT = 10  # where there is room for nothing else
_EXECUTED = ("executed", "failed")


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run beside the one before it. `state` and `word` say how it ended; `delta` in seconds."""

    summary: RunSummary
    state: str
    word: str
    delta: float | None


class Column(msgspec.Struct, frozen=True):
    """A column of the list: its width in cells, and whether it stands at the right of it."""

    name: str
    width: int
    is_right: bool = False


# The order in which columns go where there is no room for them.
_DROPPED = ("saved", "change", "definition", "cached", "+/−", "when")
_FIXED = {"run": 10, "when": 7, "definition": 18, "duration": 8, "+/−": 7, "cached": 6, "saved": 7}
_RIGHT = frozenset({"duration", "+/−", "cached", "saved"})
_ORDER = ("run", "when", "definition", "result", "duration", "+/−", "cached", "saved", "change")


def run_rows(runs: Sequence[RunSummary]) -> list[RunRow]:
    """Rows in the order of the runs, newest first; each against the last one that was not cut short."""
    rows: list[RunRow] = []
    before: dict[str, float] = {}  # definition -> how long its last whole run took
    for summary in reversed(runs):
        state, word = result_of(summary)
        known = before.get(summary.definition)
        is_compared = (
            summary.seconds is not None and not summary.cycles
        )  # a session takes as long as one works
        delta = None if not is_compared or known is None else (summary.seconds or 0.0) - known
        rows.append(RunRow(summary=summary, state=state, word=word, delta=delta))
        if is_compared and summary.seconds is not None and state in ("ok", "failed"):
            before[summary.definition] = summary.seconds
    return rows[::-1]


def result_of(summary: RunSummary) -> tuple[str, str]:
    """The state whose glyph and colour a run has, and the word for it; of a session, of its last cycle."""
    if summary.is_killed:
        return "failed", "killed"
    if summary.is_watching:
        return ("failed" if summary.cycle_result == "failed" else "ok"), "watching"
    if summary.result == "running":
        return "running", "running"
    if summary.cycles and summary.cycle_result in ("succeeded", "failed"):
        return ("ok", "ok") if summary.cycle_result == "succeeded" else ("failed", "failed")
    if summary.cause == "cancelled":
        return "cancelled", "cancelled"
    if summary.result == "failed":
        return "failed", "failed"
    if summary.result == "succeeded":
        return "ok", "ok"
    return "cancelled", (summary.cause or "no result").replace("_", " ")


def run_before(runs: Sequence[RunSummary], run: str) -> RunSummary | None:
    """The run of the same definition that was before this one (the runs are newest first)."""
    place = next((index for index, summary in enumerate(runs) if summary.run == run), None)
    if place is None:
        return None
    definition = runs[place].definition
    return next((summary for summary in runs[place + 1 :] if summary.definition == definition), None)


def cached_part(summary: RunSummary) -> float | None:
    """The part of the tasks with a result that was there already, 0.0 to 1.0; None without any."""
    hits = summary.counts.get("cache_hit", 0)
    done = hits + sum(summary.counts.get(outcome, 0) for outcome in _EXECUTED)
    return hits / done if done else None


def is_match(summary: RunSummary, text: str) -> bool:
    """True when every word of `text` is in what is told of the run, whatever the case."""
    told = " ".join(
        (
            summary.run,
            summary.definition,
            summary.title,
            result_of(summary)[1],
            "watched" if summary.cycles else "",
            summary.git_branch,
            *summary.failed,
            *summary.targets,
            *(f"{task} {reason}" for task, reason in summary.missed),
        )
    ).casefold()
    return all(word in told for word in text.casefold().split())


def merged(known: Sequence[RunSummary], newer: Sequence[RunSummary]) -> list[RunSummary]:
    """The runs of both, newest first; of a run that is in both what `newer` says."""
    by_name = {summary.run: summary for summary in (*known, *newer)}
    return sorted(by_name.values(), key=lambda summary: (summary.started_at, summary.run), reverse=True)


def renewed(known: Sequence[RunSummary], newest: Sequence[RunSummary], limit: int) -> list[RunSummary]:
    """As `merged`, where `newest` are the newest that there are, at most `limit`: other new ones are gone."""
    if len(newest) < limit:
        return list(newest)
    oldest = min(summary.run for summary in newest)
    return merged([summary for summary in known if summary.run < oldest], newest)


def sparks(runs: Sequence[RunSummary], definition: str, width: int, glyphs: Glyphs) -> Row:
    """Duration and cached part of the last runs of a definition, the oldest at the left."""
    own = [
        run
        for run in runs
        if run.definition == definition and run.seconds is not None and not run.is_killed and not run.cycles
    ]
    chosen = own[: max(0, width)][::-1]
    if len(chosen) < 2:
        return ()
    durations = sparkline([run.seconds for run in chosen], is_unicode=glyphs.is_unicode)
    parts = sparkline([cached_part(run) for run in chosen], top=1.0, is_unicode=glyphs.is_unicode)
    return (
        Span("duration ", "dim-text"),
        Span(durations, "edge-active"),
        Span("  cached ", "dim-text"),
        Span(parts, "task-cached"),
    )


def delta_text(seconds: float | None) -> str:
    """`+0:05`, `−1:40`, below two seconds `+0.9s`, `±0` for what nobody notices."""
    if seconds is None:
        return ""
    if abs(seconds) < 0.05:
        return "±0"
    sign = "+" if seconds > 0 else "−"
    length = abs(seconds)
    return sign + (f"{length:.1f}s" if length < 1.95 else clock_text(round(length)))


def columns(width: int, definition_width: int = 18) -> tuple[Column, ...]:
    """The columns for which there is room; what is left over is the result's and the change's.

    `definition_width` 0: all runs are of one definition, which is not shown.
    """
    fixed = {**_FIXED, "definition": definition_width}
    names = [name for name in _ORDER if name != "definition" or definition_width]
    for dropped in (*_DROPPED, ""):
        rest = _rest(names, fixed, width)
        if rest >= 0 or not dropped:
            break
        names = [name for name in names if name != dropped]
    if "change" in names:
        share = min(14, rest // 4)
        widths = {**fixed, "result": _RESULT + share, "change": _CHANGE + rest - share}
    else:
        widths = {**fixed, "result": max(_SHORTEST_RESULT, _RESULT + rest)}
    return tuple(Column(name, widths[name], name in _RIGHT) for name in names)


def _rest(names: Sequence[str], fixed: Mapping[str, int], width: int) -> int:
    """The cells that are left when every column has what it needs at least."""
    needed = {**fixed, "result": _RESULT, "change": _CHANGE}
    return width - _MARK - sum(needed[name] + _GAP for name in names) + _GAP


def header(chosen: Sequence[Column], glyphs: Glyphs) -> Row:
    """The names of the columns."""
    titles = {"+/−": "+/−" if glyphs.is_unicode else "+/-", "change": "what changed"}
    texts = [_aligned((Span(titles.get(it.name, it.name), "dim-text"),), it, glyphs) for it in chosen]
    return _joined(texts, Span(" " * _MARK))


def row(
    item: RunRow,
    chosen: Sequence[Column],
    names: Mapping[str, str],
    now: float,
    glyphs: Glyphs,
    *,
    mark: str = " ",
) -> Row:
    """One run; `names` as of `definition_names`, `mark` is a character in front of it."""
    cells_of = [_aligned(_cell(item, it.name, names, now, glyphs), it, glyphs) for it in chosen]
    return _joined(cells_of, Span(f"{mark} ", "edge-active"))


def definition_names(paths: Iterable[str]) -> dict[str, str]:
    """The names of files, with as many of their folders as tell them apart."""
    different = set(paths)
    names = {path: path.rsplit("/", 1)[-1] for path in different}
    for folders in range(1, 5):
        counted = Counter(names.values())
        for path in different:
            if counted[names[path]] > 1:
                names[path] = "/".join(path.split("/")[-1 - folders :])
    return names


def _cell(item: RunRow, name: str, names: Mapping[str, str], now: float, glyphs: Glyphs) -> Row:
    summary = item.summary
    match name:
        case "run":
            return (Span(short_run(summary.run), bold=summary.is_unseen),)
        case "when":
            return (Span(age_text(now - summary.started_at), "dim-text"),)
        case "definition":
            return (Span(names.get(summary.definition, summary.definition)),)
        case "result":
            return _result(item, glyphs)
        case "duration":
            seconds = _seconds(summary, now)
            return (Span("" if seconds is None else length_text(seconds)),)
        case "+/−":
            text = delta_text(item.delta)
            slower = item.delta is not None and item.delta > 0
            role = "" if text in ("", "±0") else "diag-warning" if slower else "task-ok"
            return (Span(text if glyphs.is_unicode else _ascii(text), role),)
        case "cached":
            part = cached_part(summary)
            return (Span("" if part is None else f"{part:.0%}", "task-cached"),)
        case "saved":
            saved = summary.saved_seconds
            return (Span(duration_text(saved) if saved >= 0.05 else "", "task-cached"),)
    return _change(summary, item, now)


def _seconds(summary: RunSummary, now: float) -> float | None:
    """How long it has taken so far; of a session its last cycle: the rest is waiting."""
    if summary.cycle_since is not None:
        return now - summary.cycle_since
    if summary.cycles and summary.cycle_seconds is not None:
        return summary.cycle_seconds
    return now - summary.started_at if summary.result == "running" else summary.seconds


def _result(item: RunRow, glyphs: Glyphs) -> Row:
    role = role_of(item.state)
    spans = [Span(f"{glyphs.glyph(item.state)} {item.word}", role)]
    if item.summary.cycles:
        spans.append(Span(f" {glyphs.watch}{item.summary.cycles}", "edge-active"))
    if item.summary.failed and not (item.summary.cycles and item.state == "ok"):  # cut in its last cycle
        more = len(item.summary.failed) - 1
        spans.append(Span(f" {item.summary.failed[0]}"))
        spans.append(Span(f" +{more}" if more else "", "dim-text"))
    return tuple(spans)


def _change(summary: RunSummary, item: RunRow, now: float) -> Row:
    spans: list[Span] = []
    if summary.is_unseen:
        spans.append(Span("not seen yet  ", "edge-active"))
    if summary.cycles:
        cycles = "1 cycle" if summary.cycles == 1 else f"{summary.cycles} cycles"
        length = now - summary.started_at if summary.seconds is None else summary.seconds
        spans.append(Span(f"{cycles} in {length_text(length)}  ", "dim-text"))
    if summary.targets:
        spans.append(Span(f"only {', '.join(summary.targets)}  ", "dim-text"))
    if summary.missed:
        task, reason = summary.missed[0]
        more = len(summary.missed) - 1
        spans += [
            Span(f"{task}: ", "task-miss"),
            Span(_without(reason, "changed file ", "changed ")),
            Span(f" +{more}" if more else "", "dim-text"),
        ]
    elif cached_part(summary) == 1.0 and item.state == "ok":
        spans.append(Span("all from the cache", "dim-text"))
    return tuple(spans)


def _without(text: str, *beginnings: str) -> str:
    """The heading says already that it changed."""
    return text.removeprefix(next((it for it in beginnings if text.startswith(it)), ""))


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace("±", "")


def _aligned(content: Row, column: Column, glyphs: Glyphs) -> Row:
    content = fitted(content, column.width, glyphs.ellipsis)
    if not column.is_right:
        return padded_row(content, column.width, glyphs.ellipsis)
    missing = column.width - sum(cells(span.text) for span in content)
    return (Span(" " * missing), *content)


def _joined(pieces: Sequence[Row], first: Span) -> Row:
    found: list[Span] = [first]
    for index, piece in enumerate(pieces):
        if index:
            found.append(Span(" " * _GAP))
        found.extend(piece)
    return tuple(found)
