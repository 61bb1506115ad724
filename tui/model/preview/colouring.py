"""The beginning of a text in the colours of its syntax; for a thread."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tui.model.preview.encodings import Encoding, segment_ends, without_end
from tui.model.preview.sheet import IsCancelled
from tui.model.preview.visible import coloured_row
from tui.model.spans import Row

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MOST = 256 << 10  # bytes that are coloured
_SECONDS = 2.0  # that it may take
_LONGEST_LINE = 2_000  # characters; in longer ones some lexers take the square of their length
_MOST_LINES = 10_000
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?([A-Za-z]+)[\d.]*(?:\s+(?:-\S+\s+)*([A-Za-z]+)[\d.]*)?")
# What a lexer, written for files that are in order, lets through for others.
_CONFUSED = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, RecursionError, RuntimeError,
)  # fmt: skip
_ROLES = (
    ("Comment", "dim-text"),
    ("Literal.String.Doc", "dim-text"),
    ("Literal.String.Interpol", "lane-3"),
    ("Literal.String.Escape", "lane-4"),
    ("Literal.String", "fs-added"),
    ("Literal.Number", "lane-4"),
    ("Literal.Date", "lane-4"),
    ("Keyword", "lane-5"),
    ("Name.Builtin", "lane-1"),
    ("Name.Class", "lane-2"),
    ("Name.Constant", "lane-4"),
    ("Name.Decorator", "lane-2"),
    ("Name.Function", "lane-1"),
    ("Name.Namespace", "lane-1"),
    ("Name.Tag", "lane-5"),
    ("Name.Attribute", "lane-1"),
    ("Name.Variable", "lane-3"),
    ("Operator.Word", "lane-5"),
    ("Generic.Deleted", "fs-removed"),
    ("Generic.Inserted", "fs-added"),
    ("Generic.Heading", "lane-1"),
    ("Generic.Subheading", "lane-2"),
    ("Generic.Error", "diag-error"),
)


def coloured_rows(
    head: bytes, encoding: Encoding, name: str, is_cancelled: IsCancelled, *, is_whole: bool
) -> list[Row]:
    """The first segments of a text that begins with `head`, in colours; none where there are none to give.

    `is_whole`: the text ends with `head`. Takes two seconds at most, and then gives what it has.
    """
    ends = segment_ends(head, encoding, is_last=is_whole)[:_MOST_LINES]
    texts = [encoding.text(head[start:end]) for start, end in zip((0, *ends), ends, strict=False)]
    text = "".join(texts)
    lexer = _lexer(name, text)
    if lexer is None or max(map(len, text.split("\n"))) > _LONGEST_LINE:
        return []
    pieces = _pieces(lexer, text, time.monotonic() + _SECONDS, is_cancelled)
    try:
        return [coloured_row(row) for row in _by_segment(pieces, texts)]
    except _CONFUSED:
        return []


def _lexer(name: str, text: str) -> Lexer | None:
    """The lexer for a file, by its name or its first line; None for plain text."""
    from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # a look through its tables
    from pygments.util import ClassNotFound

    try:
        return get_lexer_for_filename(name, text[:4096], stripnl=False, ensurenl=False)
    except ClassNotFound:
        pass
    shebang = _SHEBANG.match(text[:256])
    if shebang is None:
        return None
    interpreter = shebang[2] if shebang[1] == "env" and shebang[2] else shebang[1]
    try:
        return get_lexer_by_name(interpreter, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _pieces(lexer: Lexer, text: str, until: float, is_cancelled: IsCancelled) -> Iterator[tuple[str, str]]:
    """(text, role) of a whole text; what is left when there is no more time, without colours."""
    place = 0
    known: dict[object, str] = {}
    for start, token, value in lexer.get_tokens_unprocessed(text):
        if is_cancelled() or time.monotonic() > until:
            break
        if start < place:
            continue
        if start > place:
            yield text[place:start], ""
        if token not in known:
            known[token] = _role(".".join(token))
        yield value, known[token]
        place = start + len(value)
    yield text[place:], ""


def _by_segment(pieces: Iterable[tuple[str, str]], texts: list[str]) -> Iterator[list[tuple[str, str]]]:
    """The pieces, cut where the segments end; without the ends of their lines."""
    source = iter(pieces)
    piece, role = next(source, ("", ""))
    for text in texts:
        row: list[tuple[str, str]] = []
        wanted, shown = len(text), len(without_end(text))
        while wanted > 0:
            if not piece:
                piece, role = next(source)
                continue
            taken, piece = piece[:wanted], piece[wanted:]
            wanted -= len(taken)
            row.append((taken[:shown], role))
            shown -= min(shown, len(taken))
        yield [part for part in row if part[0]]


def _role(token: str) -> str:
    return next((role for prefix, role in _ROLES if token.startswith(prefix)), "")
