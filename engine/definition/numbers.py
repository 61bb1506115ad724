"""Numbers as text, and text as numbers, as expressions and stringable values read them."""

from __future__ import annotations

import math

_CHARACTERS = frozenset("0123456789+-.eE")


def number_text(value: float) -> str:
    """The shortest decimal form, exponents only below 1e-6 and from 1e21 on: 1.0 → `1`, 1e3 → `1000`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    exponent = int(exponent_text or 0) + len(whole)
    if whole == "0":
        exponent -= 1 + len(fraction) - len(fraction.lstrip("0"))
    digits = (whole + fraction).strip("0")
    if -6 < exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    if 0 < exponent <= 21:
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{exponent - 1:+d}"


def number_value(text: str) -> float | None:
    """The number that a string reads as, white space around it ignored; None when it reads as none."""
    stripped = text.strip()
    if not stripped or not _CHARACTERS.issuperset(stripped):
        return None
    try:
        return float(stripped)
    except ValueError:
        return None
