"""Every character the interface draws takes one cell, and terminals' fonts have it."""

from __future__ import annotations

import ast
import os
import struct
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from engine.progress.glyphs import Glyphs

_ROOT = Path(__file__).parent.parent.parent
_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
_STATES = ("queued", "running", "paused", "ok", "skipped", "cached", "failed", "cancelled", "retried", "miss")


def drawn() -> dict[str, str]:
    """Each character beyond ASCII in a text of the interface, and a file that has it."""
    found = {glyph: "glyphs" for state in _STATES for glyph in Glyphs().glyph(state)}
    found |= {Glyphs().spinner(frame): "spinner" for frame in range(4)}
    for path in (_ROOT / "tui").rglob("*.py"):
        for text in texts(ast.parse(path.read_text(encoding="utf-8"))):
            found |= {character: str(path) for character in text if not character.isascii()}
    return {
        character: path
        for character, path in found.items()
        if unicodedata.category(character)
        not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # taken out of logs, never drawn
    }


def texts(tree: ast.Module) -> Iterator[str]:
    """The string literals of a file, except its doc strings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def characters_of(font: bytes) -> set[int]:
    """The code points of the basic plane that a TrueType font has: its `cmap`, format 4 (OpenType spec)."""
    tables = struct.unpack_from(">H", font, 4)[0]
    offset = next(
        struct.unpack_from(">I", font, 12 + 16 * index + 8)[0]
        for index in range(tables)
        if font[12 + 16 * index :][:4] == b"cmap"
    )
    for index in range(struct.unpack_from(">H", font, offset + 2)[0]):
        start = offset + struct.unpack_from(">I", font, offset + 4 + 8 * index + 4)[0]
        if struct.unpack_from(">H", font, start)[0] == 4:
            break
    count = struct.unpack_from(">H", font, start + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", font, start + 14)
    starts = struct.unpack_from(f">{count}H", font, start + 16 + 2 * count)
    return {point for low, high in zip(starts, ends, strict=True) for point in range(low, high + 1)}


def test_every_character_takes_one_cell() -> None:
    assert {character: path for character, path in drawn().items() if cell_len(character) != 1} == {}


@pytest.mark.skipif(not os.path.exists(_FONT), reason="DejaVu Sans Mono is not installed")
def test_every_character_is_in_the_font_that_most_terminals_fall_back_to() -> None:
    known = characters_of(Path(_FONT).read_bytes())
    assert {ord("a"), ord("●"), ord("╭")} <= known
    assert ord("⣿") not in known
    assert {character: path for character, path in drawn().items() if ord(character) not in known} == {}


def test_the_other_alphabet_is_ascii_and_each_state_has_a_glyph_of_its_own() -> None:
    plain = [Glyphs(is_unicode=False).glyph(state) for state in _STATES]
    assert all(glyph.isascii() and len(glyph) == 1 for glyph in plain)
    assert len(set(plain)) == len(_STATES)
    assert all(one != other for one, other in pairwise(sorted(Glyphs().glyph(state) for state in _STATES)))
