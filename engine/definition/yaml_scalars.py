"""The YAML 1.2 core schema: what a plain scalar is, and the text that a stringable number becomes."""

from __future__ import annotations

import re

from engine.definition.numbers import number_text

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    "true": "true",
    "True": "true",
    "TRUE": "true",
    "false": "false",
    "False": "false",
    "FALSE": "false",
}
_NUMBER_START = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)\Z")
_NOT_A_NUMBER = frozenset((".nan", ".NaN", ".NAN"))
LARGEST_EXACT_INTEGER = 2**53 - 1


def resolve_plain(source: str) -> tuple[str, str]:
    """(kind, text) of a plain scalar: `null`, `boolean`, `number` or `text`, and what a stringable reads."""
    if source in _NULLS:
        return "null", ""
    boolean = _BOOLEANS.get(source)
    if boolean is not None:
        return "boolean", boolean
    if source[0] not in _NUMBER_START:
        return "text", source
    if _INTEGER.match(source):
        return "number", _integer_text(source)
    if _FLOAT.match(source):
        return "number", number_text(float(source))
    if _OCTAL.match(source):
        return "number", _whole_text(int(source, 8), source)
    if _HEXADECIMAL.match(source):
        return "number", _whole_text(int(source, 16), source)
    if _INFINITY.match(source):
        return "number", "-Infinity" if source[0] == "-" else "Infinity"
    if source in _NOT_A_NUMBER:
        return "number", "NaN"
    return "text", source


def _integer_text(source: str) -> str:
    digits = source.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 16 or int(digits) > LARGEST_EXACT_INTEGER:
        return source
    return f"-{digits}" if source[0] == "-" and digits != "0" else digits


def _whole_text(value: int, source: str) -> str:
    return str(value) if value <= LARGEST_EXACT_INTEGER else source
