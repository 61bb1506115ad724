from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.task.log_writer import LogWriter


async def _write(directory: Path, text: bytes, *, is_continued: bool) -> None:
    log = LogWriter(str(directory / "log"), str(directory / "times"), is_continued=is_continued)
    writer = os.dup(log.writer("stdout"))
    os.write(writer, text)
    os.close(writer)
    await log.finished()
    log.close()


@pytest.mark.parametrize("first", [b"without an end", b"with one\n"])
async def test_another_attempt_begins_on_a_line_of_its_own(tmp_path: Path, first: bytes) -> None:
    await _write(tmp_path, first, is_continued=False)
    await _write(tmp_path, b"again\n", is_continued=True)
    assert (tmp_path / "log").read_bytes() == first.rstrip(b"\n") + b"\nagain\n"


async def test_what_is_not_continued_begins_anew(tmp_path: Path) -> None:
    await _write(tmp_path, b"old", is_continued=False)
    await _write(tmp_path, b"new", is_continued=False)
    assert (tmp_path / "log").read_bytes() == b"new"


async def test_a_first_attempt_that_printed_nothing_leaves_no_line(tmp_path: Path) -> None:
    await _write(tmp_path, b"", is_continued=False)
    await _write(tmp_path, b"again", is_continued=True)
    assert (tmp_path / "log").read_bytes() == b"again"
