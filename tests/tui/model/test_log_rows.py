from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.memory_log import MemoryLog
from tui.model.log_document import LogDocument
from tui.model.log_rows import LogRows, Row

LINES = st.lists(st.text(alphabet="ab 漢", max_size=30), min_size=1, max_size=15)


def _rows(lines: list[str], **options: object) -> LogRows:
    content = "".join(line + "\n" for line in lines).encode()
    return LogRows(LogDocument(MemoryLog(content), cell_len), cells=cell_len, **options)  # type: ignore[arg-type]


@given(LINES, st.integers(2, 12), st.integers(1, 5), st.data())
def test_going_up_row_by_row_every_row_is_seen(
    lines: list[str], width: int, height: int, draw: st.DataObject
) -> None:
    only = draw.draw(
        st.none() | st.lists(st.integers(0, len(lines) - 1), unique=True, min_size=1).map(sorted)
    )
    rows = _rows(lines, width=width, only=only)
    rows.settle_end(height)
    seen: list[Row] = []
    top = len(rows) - 1
    while top >= 0:
        top = rows.settle(top, height)
        row = rows.row(top)
        assert row is not None
        seen.insert(0, row)
        top -= 1
    shown = range(len(lines)) if only is None else only
    texts: dict[int, str] = dict.fromkeys(shown, "")
    for row in seen:
        texts[row.line] += rows.document.line(row.line).text[row.start : row.end]
    assert texts == {line: lines[line] for line in shown}
    assert rows.row(len(rows)) is None


@given(LINES, st.integers(2, 12))
def test_a_line_begins_at_its_row(lines: list[str], width: int) -> None:
    rows = _rows(lines, width=width)
    rows.settle(0, len(lines) * 40)
    for line in range(len(lines)):
        row = rows.row(rows.row_of(line))
        assert row is not None and (row.line, row.start) == (line, 0)


def test_a_line_that_is_not_shown_is_where_the_next_one_is() -> None:
    rows = _rows(["a", "b", "c", "d"], only=[1, 3])
    assert [rows.row_of(line) for line in range(4)] == [0, 0, 1, 1]
    assert (rows.line_at(1), rows.line_at(9), len(rows)) == (3, 3, 2)


def test_text_is_taken_from_shown_lines_only() -> None:
    rows = _rows(["abc", "def", "ghi"], only=[0, 2])
    spans = {0: (1, -1), 2: (0, 2)}
    assert rows.text_between(0, 2, spans.get) == "bc\ngh"
