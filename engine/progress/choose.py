"""Which sink a run gets, from the option and from where the output goes."""

from __future__ import annotations

from engine.progress.sink import Sink
from engine.terminal.console import Console

MODES = ("auto", "plain", "json", "quiet")


def sink_for(mode: str, console: Console) -> Sink:
    """`auto` is live lines on a terminal that can move its cursor, plain elsewhere."""
    # Imported when chosen: each costs a millisecond or two of a run with nothing to do.
    if mode == "json":
        from engine.progress.json_lines import JsonLines

        return JsonLines(console)
    from engine.progress.glyphs import Glyphs

    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    if mode == "quiet":
        from engine.progress.quiet import Quiet

        return Quiet(console, glyphs)
    if mode == "auto" and console.can_move:
        from engine.progress.live import Live

        return Live(console, glyphs)
    from engine.progress.plain import Plain

    return Plain(console, glyphs)
