from __future__ import annotations

import pytest

from tui.model.preview.encodings import encoding_of, without_end
from tui.model.preview.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"plain", "ASCII"),
        ("grün".encode(), "UTF-8"),
        ("grün".encode()[:3], "UTF-8"),  # a character cut off at the end
        ("grün".encode("utf-8-sig"), "UTF-8 with a mark"),
        ("grün".encode("utf-16"), "UTF-16"),
        ("grün".encode("utf-32"), "UTF-32"),
        ("grün und blau".encode("latin-1"), "Latin-1"),
        (b"a\x1b[31mred\x1b[0m\n", "ASCII"),
    ],
)
def test_the_encoding_is_told_by_the_first_bytes(head: bytes, words: str) -> None:
    encoding = encoding_of(head)
    assert encoding is not None and encoding.words == words


@pytest.mark.parametrize(
    "head", [b"a\0b", bytes(range(256)), b"\x01\x02\x03\x04" * 9, b"\xff\x01\x02\x03\x80"]
)
def test_what_is_no_text_has_no_encoding(head: bytes) -> None:
    assert encoding_of(head) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty"),
        (b"\x7fELF\x02", "program"),
        (b"PK\x03\x04", "archive"),
        (b"!<arch>\n", "archive"),
        (b"\x1f\x8b\x08\0", "archive"),
        (b"x" * 257 + b"ustar", "archive"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"BM is a text", "text"),
        (b"GIF89a", "picture"),
        (b"\0\0\0", "binary"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_first_bytes(head: bytes, kind: Kind) -> None:
    assert kind_of(head) == kind


def test_both_ends_of_lines_are_taken_off() -> None:
    assert [without_end(line) for line in ("a\n", "a\r\n", "a", "a\r")] == ["a", "a", "a", "a\r"]
