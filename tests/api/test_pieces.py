"""The small pieces of the engine's interface, without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import engine_log
from engine.api.byte_range import NotSatisfiable, byte_range
from engine.api.growing_file import GrowingFile
from engine.api.run_states import RunStates
from engine.events import encode
from engine.run_state import replay
from engine.store.runs import RunDirectory
from tests.cli import runs


@given(first=st.integers(0, 30), last=st.integers(0, 30), size=st.integers(0, 20))
def test_a_range_is_the_bytes_that_there_are_of_it(first: int, last: int, size: int) -> None:
    data = bytes(range(size))
    try:
        found = byte_range(f"bytes={first}-{last}", size)
    except NotSatisfiable:
        assert first >= size
        return
    if last < first:
        assert found is None
    else:
        assert found is not None
        assert data[found[0] : found[1]] == data[first : last + 1] != b""


@pytest.mark.parametrize("header", [None, "", "bytes", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes=٣-٤"])
def test_what_is_no_single_range_is_passed_over(header: str | None) -> None:
    assert byte_range(header, 10) is None


@given(pieces=st.lists(st.binary(max_size=8), max_size=12), offset=st.integers(0, 3))
def test_only_whole_lines_are_read_and_each_once(pieces: list[bytes], offset: int) -> None:
    whole = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "events.jsonl")
        file = GrowingFile(path, offset)
        read = file.read()
        for piece in pieces:
            with open(path, "ab") as appended:
                appended.write(piece)
            chunk = file.read()
            assert chunk == b"" or chunk.endswith(b"\n")
            read += chunk
        file.close()
    assert read == whole[offset : max(offset, whole.rfind(b"\n") + 1)]


def test_a_line_of_any_length_is_read(tmp_path: Path) -> None:
    line = b"x" * 3_000_000 + b"\n"
    (tmp_path / "f").write_bytes(line + b"torn")
    file = GrowingFile(str(tmp_path / "f"))
    assert (file.read(), file.read()) == (line, b"")
    file.close()


def test_a_state_that_is_kept_up_is_the_state_that_a_replay_gives(tmp_path: Path) -> None:
    events = [runs.started("a", "b"), *runs.hit("a"), *runs.began("b"), runs.ended("b"), runs.finished()]
    directory, states = RunDirectory(str(tmp_path)), RunStates()
    with open(directory.events_path, "ab", buffering=0) as file:
        for number, event in enumerate(events, 1):
            file.write(encode(event)[:-1])
            states.of(directory)
            file.write(b"\n")
            assert states.of(directory).tasks == replay(events[:number]).tasks
    for number in range(10):
        states.of(RunDirectory(str(tmp_path / str(number))))  # others push it out
    assert states.of(directory).tasks == replay(events).tasks


def test_the_log_of_an_engine_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    lines = [b"line %d\n" % number for number in range(400_000)]
    path.write_bytes(b"".join(lines))
    engine_log.keep_small(str(path))
    kept = path.read_bytes()
    assert len(kept) < 1 << 20
    assert b"".join(lines).endswith(b"\n" + kept)
    engine_log.keep_small(str(path))
    assert path.read_bytes() == kept
    engine_log.keep_small(str(tmp_path / "missing"))


def test_a_client_is_quick_to_import() -> None:
    program = (
        "import sys, engine.api.client; "
        "print({'aiohttp', 'asyncio', 'sqlite3', 'subprocess', 'engine.store.store'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
