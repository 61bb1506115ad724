"""Commands come in order, in whatever pieces; the end of the pipe is the last of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.steering import Cancel, Command, KeepGoing, Retry, Steering

tasks = st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Cancel, tasks=tasks), st.builds(Retry, tasks=tasks), st.builds(KeepGoing, enabled=st.booleans())
)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


@given(st.lists(commands, max_size=5), st.lists(st.integers(0, 400)), st.integers(0, 30))
def test_commands_come_out_as_they_were_sent(sent: list[Command], cuts: list[int], begun: int) -> None:
    data = b"".join(msgspec.json.encode(command) + b"\n" for command in sent)
    begun = min(begun, len(data))
    reader, writer = os.pipe()
    try:
        steering = Steering(reader, data[:begun])
        found: list[Command] = []
        places = sorted({begun, len(data), *(cut for cut in cuts if begun <= cut <= len(data))})
        for start, end in itertools.pairwise(places):
            os.write(writer, data[start:end])
            found += steering.commands()
        assert (found + steering.commands(), steering.is_over) == (sent, False)
    finally:
        os.close(writer)
    try:
        assert steering.commands() == [Cancel()]
        assert steering.is_over and steering.commands() == []
    finally:
        os.close(reader)


def test_what_is_no_command_is_ignored(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b'{"type":"later"}\n{]\n\n{"type":"keep_going","enabled":false,"new":1}\n{"type":"ret')
    steering = Steering(reader)
    assert steering.commands() == [KeepGoing(enabled=False)]
    os.close(writer)
    assert steering.commands() == [Cancel()], "half a command was not meant"


def test_only_the_end_of_the_whole_run_interrupts(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    steering = Steering(reader)
    os.write(writer, msgspec.json.encode(Cancel(tasks=("a",))) + b"\n")
    steering.raise_if_cancelled()
    os.close(writer)
    with pytest.raises(KeyboardInterrupt):
        steering.raise_if_cancelled()
    assert steering.commands() == [Cancel(tasks=("a",)), Cancel()], "nothing is lost by looking"
