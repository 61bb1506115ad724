"""What the machine and the running tasks use, sampled about once a second while a run executes.

Kept beside the events of a run, in `usage.jsonl`, so that a replay shows the same lanes as were seen live.
It is no event: nothing is decided from it, and a run that lacks it is whole.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import msgspec


class TaskUsage(msgspec.Struct, frozen=True, array_like=True):
    """`cpu`: cores in use on average since the sample before (1.5 is one and a half); `memory` in bytes."""

    cpu: float
    memory: int


class Usage(msgspec.Struct, frozen=True, kw_only=True, tag="usage", tag_field="type"):
    """One sample; `at` in seconds since the epoch.

    `busy`: for each core of the machine, by number, the part of the time since the sample before in
    which it was busy (0.0 to 1.0), whoever kept it so. `memory` and `memory_total`: bytes in use and
    there, of the whole machine. `tasks`: those that are running.
    """

    at: float
    run: str
    busy: tuple[float, ...]
    memory: int
    memory_total: int
    tasks: dict[str, TaskUsage] = {}


_encoder = msgspec.json.Encoder()


def encode(usage: Usage) -> bytes:
    """One line of JSON, newline included."""
    return _encoder.encode(usage) + b"\n"
