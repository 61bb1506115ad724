"""How the text of a file is encoded, and where its lines end."""

from __future__ import annotations

import re
from array import array
from operator import sub

import msgspec

from tui.model.line_index import line_ends

LONGEST_SEGMENT = 4096  # bytes; a longer line goes on in the next one
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8 with a mark"),
    (b"\xff\xfe\x00\x00", "utf-32-le", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32-be", "UTF-32"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
_LOOKED_AT = 8000  # bytes, as git does
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r\f\b\x1b") + b"\x7f"
_MOST_CONTROL = 0.1  # of all bytes, in what is taken for text though it is no UTF-8


class Encoding(msgspec.Struct, frozen=True):
    """`codec` as Python names it, `words` for a person; `mark`: bytes before the text that tell it."""

    codec: str
    words: str
    mark: int = 0

    @property
    def unit(self) -> int:
        """Bytes that belong together, at least."""
        return {"utf-16": 2, "utf-32": 4}.get(self.codec[:6], 1)

    def text(self, data: bytes) -> str:
        """The characters of these bytes; those that are none show as `\\xff`."""
        return data.decode(self.codec, "backslashreplace" if self.unit == 1 else "replace")


UTF_8 = Encoding("utf-8", "UTF-8")
ASCII = Encoding("utf-8", "ASCII")
LATIN_1 = Encoding("latin-1", "Latin-1")


def encoding_of(head: bytes) -> Encoding | None:
    """The encoding of a file that begins with these bytes; None when it is no text."""
    for mark, codec, words in _MARKS:
        if head.startswith(mark):
            return Encoding(codec, words, len(mark))
    looked_at = head[:_LOOKED_AT]
    if b"\0" in looked_at:
        return None
    if head.isascii():
        return ASCII if _is_mostly_text(looked_at) else None
    if _is_utf_8(head):
        return UTF_8
    return LATIN_1 if _is_mostly_text(looked_at) else None


def _is_utf_8(head: bytes) -> bool:
    """Whether it is UTF-8 but for a character that may be cut off at its end."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True


def _is_mostly_text(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROL)) <= len(data) * _MOST_CONTROL


def segment_ends(data: bytes, encoding: Encoding, *, is_last: bool) -> array[int]:
    """The offsets after each segment of bytes that begin with one: a line, or a part of a long line.

    A segment that is not whole yet is left out, unless `is_last`.
    """
    ends = _line_ends(data, encoding.unit, is_big=encoding.codec.endswith("be"))
    if not _are_short(ends, len(data)):
        ends = _with_parts(data, ends, encoding)
    if is_last and len(data) > (ends[-1] if ends else 0):
        ends.append(len(data))
    return ends


def short_line_ends(data: bytes, encoding: Encoding) -> array[int] | None:
    """The same where each segment is a whole line, but for an incomplete one at the end; else None."""
    if encoding.unit > 1:
        return None
    ends = line_ends(data)
    return ends if ends and _are_short(ends, len(data)) else None


def _are_short(ends: array[int], size: int) -> bool:
    """Whether no line is longer than a segment, nor what is left of `size` bytes after the last one."""
    if not ends:
        return size <= LONGEST_SEGMENT
    return max(ends[0], size - ends[-1], max(map(sub, ends[1:], ends), default=0)) <= LONGEST_SEGMENT


def _line_ends(data: bytes, unit: int, *, is_big: bool) -> array[int]:
    if unit == 1:
        return line_ends(data)
    newline = b"\n".rjust(unit, b"\0") if is_big else b"\n".ljust(unit, b"\0")
    places = (match.start() for match in re.finditer(re.escape(newline), data))
    return array("Q", (place + unit for place in places if place % unit == 0))


def _with_parts(data: bytes, ends: array[int], encoding: Encoding) -> array[int]:
    """The ends, with those of the parts that long lines are cut into between them."""
    found = array("Q")
    start = 0
    for end in (*ends, len(data)):
        while end - start > LONGEST_SEGMENT:
            start = _cut(data, start + LONGEST_SEGMENT, encoding)
            found.append(start)
        if end < len(data) or (ends and end == ends[-1]):
            found.append(end)
            start = end
    return array("Q", dict.fromkeys(found))


def _cut(data: bytes, place: int, encoding: Encoding) -> int:
    """The place, or the nearest one before it that is not within a character."""
    if encoding.codec == "utf-8":
        back = 0
        while back < 3 and data[place - back] & 0xC0 == 0x80:
            back += 1
        return place - back if data[place - back] & 0xC0 == 0xC0 else place
    if encoding.unit == 2:
        high = data[place + (encoding.codec == "utf-16-le")]
        return place - 2 if 0xDC <= high <= 0xDF else place
    return place


def without_end(text: str) -> str:
    """A line without `\\n` or `\\r\\n`."""
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith("\n") else text
