"""A script, as rows in the colours of its syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.progress.log_lines import clean
from tui.model.spans import Row, Span

if TYPE_CHECKING:
    from pygments.token import _TokenType

MOST_LINES = 2000
_MOST_COLOURED = 500  # lines; colours take about 0.4 ms each
_LANGUAGES = {"python": "python", "python3": "python", "node": "javascript", "ruby": "ruby", "perl": "perl"}
_ROLES = (
    ("Comment", "dim-text"),
    ("Literal.String.Interpol", "lane-3"),
    ("Literal.String", "fs-added"),
    ("Literal.Number", "lane-4"),
    ("Keyword", "lane-5"),
    ("Name.Builtin", "lane-1"),
    ("Name.Variable", "lane-3"),
    ("Name.Function", "lane-1"),
    ("Operator.Word", "lane-5"),
)


def plain_rows(script: str) -> list[Row]:
    """The lines without colours; at most 2,000."""
    return _capped([(Span(clean(line)),) for line in _lines(script)])


def highlighted_rows(script: str, shell: tuple[str, ...] = ()) -> list[Row]:
    """The first 500 lines in colours, which takes up to 0.2 s; `shell` says in which language (or bash)."""
    from pygments.lexers import get_lexer_by_name  # costs a look through its tables: only for what is shown

    language = _language(script, shell)
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    lines = _lines(script)
    text = "\n".join(lines[:_MOST_COLOURED])
    rows: list[list[Span]] = [[]]
    for token, value in lexer.get_tokens(text):
        role = _role(token)
        for index, piece in enumerate(value.split("\n")):
            if index:
                rows.append([])
            if piece:
                rows[-1].append(Span(clean(piece), role))
    plain = [(Span(clean(line)),) for line in lines[_MOST_COLOURED:]]
    return _capped([*(tuple(row) for row in rows), *plain])


def _language(script: str, shell: tuple[str, ...]) -> str:
    first = script.split("\n", 1)[0]
    words = first[2:].split() if first.startswith("#!") else list(shell)
    for word in words[:2]:
        name = word.rsplit("/", 1)[-1]
        if name in _LANGUAGES:
            return _LANGUAGES[name]
    return "bash"


def _lines(script: str) -> list[str]:
    return script.rstrip("\n").split("\n")


def _capped(rows: list[Row]) -> list[Row]:
    if len(rows) <= MOST_LINES:
        return rows
    return [*rows[:MOST_LINES], (Span(f"{len(rows) - MOST_LINES:,} more lines", "dim-text"),)]


def _role(token: _TokenType) -> str:
    name = ".".join(token)
    return next((role for prefix, role in _ROLES if name.startswith(prefix)), "")
