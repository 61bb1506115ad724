"""The output of a task as events: text, of which no character is torn."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from engine.events import TaskOutput
from engine.model.clock import Clock


def as_events(
    show: Callable[[TaskOutput], None], clock: Clock, run: str, task: str
) -> Callable[[str, int, bytes], None]:
    """What to call with (stream, offset in the log, bytes) for each batch of a task's output."""
    decoders: dict[str, codecs.IncrementalDecoder] = {}
    make = codecs.getincrementaldecoder("utf-8")

    def take(stream: str, offset: int, content: bytes) -> None:
        text = decoders.setdefault(stream, make("replace")).decode(content)
        show(TaskOutput(at=clock(), run=run, task=task, stream=stream, offset=offset, text=text))

    return take
