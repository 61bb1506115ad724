"""Logs are read in any way in constant memory, byte for byte."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.past.log_reader import LineTimes, chunks, followed, lines, matching


def test_a_log_is_read_byte_for_byte(tmp_path: Path) -> None:
    log = tmp_path / "log"
    content = bytes(range(256)) * 10_000 + b"no newline at the end"
    log.write_bytes(content)
    assert b"".join(chunks(str(log))) == content


def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert list(chunks(str(tmp_path / "log"))) == []


@given(st.lists(st.binary()))
def test_lines_keep_every_byte_and_know_their_offset(data: list[bytes]) -> None:
    whole = b"".join(data)
    found = list(lines(iter(data)))
    assert b"".join(line for _, line in found) == whole
    for offset, line in found:
        assert whole[offset : offset + len(line)] == line
        assert line.count(b"\n") <= 1
        assert offset == 0 or whole[offset - 1 : offset] == b"\n"


def test_a_line_without_an_end_comes_in_pieces() -> None:
    found = list(lines(iter([b"x" * (1 << 20)] * 8)))
    assert max(len(line) for _, line in found) <= 2 << 20
    assert sum(len(line) for _, line in found) == 8 << 20


def test_lines_that_match_are_found_also_in_binary_output() -> None:
    data = iter([b"one\nT\xff WO\nthr", b"ee two\r\n"])
    pattern = re.compile(r"(?i)t\S? ?wo$")
    assert [line for _, line in matching(pattern, lines(data))] == [b"T\xff WO\n", b"three two\r\n"]


def test_a_line_has_the_time_of_the_batch_in_which_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "times"
    path.write_bytes(struct.pack("<QdQdQd", 0, 10.0, 100, 11.0, 250, 12.5) + b"torn")
    times = LineTimes(str(path))
    assert [times.at(offset) for offset in (0, 99, 100, 249, 250, 10**9)] == [10, 10, 11, 11, 12.5, 12.5]


def test_without_times_there_is_none(tmp_path: Path) -> None:
    assert LineTimes(str(tmp_path / "times")).at(5) is None


def test_following_ends_with_the_task_and_reads_everything(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pieces = [b"first ", b"second\n", b"last"]

    def is_over() -> bool:  # another process writes between two looks
        with log.open("ab") as file:
            file.write(pieces.pop(0))
        return not pieces

    assert b"".join(followed(str(log), is_over)) == b"first second\nlast"


def test_another_attempt_is_followed_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"the first attempt\n")
    looks: list[int] = []

    def is_over() -> bool:
        looks.append(len(looks))
        if len(looks) == 2:
            log.write_bytes(b"again\n")
        return len(looks) >= 2

    assert b"".join(followed(str(log), is_over)) == b"the first attempt\nagain\n"
