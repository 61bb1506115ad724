"""Which sink a run gets, from the option and from where the output goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.progress.sink import ReadTail, Sink
from engine.terminal.console import Console

if TYPE_CHECKING:  # most runs are not watched
    from engine.progress.cycles import Cycles

MODES = ("auto", "plain", "json", "quiet")


def sink_for(mode: str, console: Console, watched: ReadTail | None = None) -> Sink:
    """`auto` is live lines on a terminal that can move its cursor, plain elsewhere.

    `watched`: of a run that is watched, how to read the end of a log while it goes on.
    """
    # Imported when chosen: each costs a millisecond or two of a run with nothing to do.
    if mode == "json":
        from engine.progress.json_lines import JsonLines

        return JsonLines(console)
    from engine.progress.glyphs import Glyphs

    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    is_live = mode == "auto" and console.can_move
    cycles: Cycles | None = None
    if watched is not None:
        from engine.progress.cycles import Cycles

        cycles = Cycles(glyphs, watched, shows_logs=is_live or mode == "quiet")
    if mode == "quiet":
        from engine.progress.quiet import Quiet

        return Quiet(console, glyphs, cycles)
    if is_live:
        from engine.progress.live import Live

        return Live(console, glyphs, cycles)
    from engine.progress.plain import Plain

    return Plain(console, glyphs, cycles)
