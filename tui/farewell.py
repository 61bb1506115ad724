"""What is left in the terminal when the interface is closed: how the run ended, or how to come back."""

from __future__ import annotations

from engine.progress.glyphs import Glyphs
from engine.progress.summary import summary
from engine.terminal.console import Console
from tui.bridge import Bridge
from tui.model.shown_run import ShownRun

_TAIL_BYTES = 1 << 16
_CRASHED = 70
_INTERRUPTED = 130


def farewell(shown: ShownRun | None, bridge: Bridge, console: Console, *, is_crash: bool) -> int:
    """Says it; the exit code. A run that was looked at only, as it ended before, counts for nothing."""
    if is_crash:
        words = "the interface failed"
        if shown is not None and shown.is_live:
            words += "; the run goes on: `outcrop` shows it again"
        console.error(words)
        return _CRASHED
    if shown is None or not shown.is_news:
        return 0
    run = shown.run
    if shown.is_live:
        ends = "" if shown.restriction else ", `outcrop engine stop` ends it"
        does = "keeps watching" if shown.is_watched else "goes on"
        console.line(f"run {run} {does}: `outcrop` shows it again{ends}")
        return 0
    if shown.course in ("killed", "engine_gone"):
        who = "engine" if shown.course == "engine_gone" else "process"
        console.error(f"error: run {run} was cut short: its {who} died")
        return 1
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    text = summary(shown.model.state, glyphs, lambda task: bridge.tail(run, task, _TAIL_BYTES))
    console.write(console.encoded(text.lstrip("\n")))
    if shown.is_cancelled:
        return _INTERRUPTED
    return 0 if shown.succeeded else 1
