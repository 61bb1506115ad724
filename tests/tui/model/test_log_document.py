from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.memory_log import MemoryLog, stamped
from tui.model import line_index
from tui.model.ansi import SgrStyle, styled
from tui.model.log_document import LogDocument


def _texts(document: LogDocument) -> list[str]:
    return [document.line(line).text for line in range(len(document))]


@given(st.lists(st.text(alphabet="aä漢\n\r\t").map(str.encode), max_size=6))
def test_it_shows_what_the_log_has_however_it_came(chunks: list[bytes]) -> None:
    source = MemoryLog()
    document = LogDocument(source)
    for chunk in chunks:
        source.content += chunk
        document.poll()
        _texts(document)
    whole = LogDocument(MemoryLog(source.content))
    assert _texts(document) == _texts(whole)
    lines = source.content.decode().split("\n")
    assert _texts(whole) == [styled(line).text for line in (lines if lines[-1] else lines[:-1])]


def test_colours_reach_over_lines_wherever_one_looks_first() -> None:
    document = LogDocument(MemoryLog(b"\x1b[31mone\ntwo\nthree\x1b[0m\nfour\n"))
    assert document.line(2).segments == (("three", SgrStyle(colour=1)),)
    assert document.line(1).segments == (("two", SgrStyle(colour=1)),)
    assert document.line(3).segments == (("four", SgrStyle()),)


def test_a_very_long_line_shows_its_beginning_or_what_it_was_overwritten_by() -> None:
    long = b"x" * 300_000
    document = LogDocument(MemoryLog(b"a" + long + b"\nb" + long + b"\rlast\nend\n"))
    assert document.line(0).text == "a" + "x" * 4095 and document.line(0).is_cut
    assert document.line(1).text == "last"
    assert document.line(2).text == "end"


def test_the_end_of_a_huge_log_comes_first() -> None:
    content = b"".join(
        b"line %06d of a log which is large enough to be read from its end\n" % n for n in range(40_000)
    )
    document = LogDocument(MemoryLog(content))
    assert document.head_is_missing and document.line(len(document) - 1).text.startswith("line 039999")
    ends = line_index.head_ends(document.source, document.index.start, lambda: False)
    assert ends is not None
    moved = document.add_head(ends)
    assert (len(document), document.head_is_missing) == (40_000, False)
    assert document.line(moved).text.startswith(f"line {moved:06d} of")


def test_a_log_that_began_anew_is_another_one() -> None:
    source = MemoryLog(b"one\ntwo\n", stamped((0, 5.0)))
    document = LogDocument(source)
    document.read_times()
    assert document.time(1) == 5.0
    source.content = b"uno\n"
    source.stamps = stamped((0, 9.0))
    assert document.poll() == "anew"
    document.read_times()
    assert (_texts(document), document.time(0)) == (["uno"], 9.0)
    assert document.poll() == "none"


def test_a_closed_document_reads_nothing_more() -> None:
    source = MemoryLog(b"one\n")
    document = LogDocument(source)
    document.close()
    assert source.is_closed and document.source.read(0, 3) == b"" and document.source.size() == 0
