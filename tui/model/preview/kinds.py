"""What kind of file it is, by its first bytes."""

from __future__ import annotations

from typing import Literal

from tui.model.preview.encodings import encoding_of

Kind = Literal["empty", "text", "picture", "program", "archive", "binary"]

HEAD = 1 << 16  # bytes that are looked at
_MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x7fELF", "program"),
    (0, b"\x89PNG\r\n\x1a\n", "picture"),
    (0, b"\xff\xd8\xff", "picture"),
    (0, b"GIF87a", "picture"),
    (0, b"GIF89a", "picture"),
    (8, b"WEBPVP8", "picture"),
    (0, b"\0\0\1\0", "picture"),  # an icon
    (0, b"PK\3\4", "archive"),
    (0, b"PK\5\6", "archive"),
    (0, b"\x1f\x8b\x08", "archive"),
    (0, b"BZh", "archive"),
    (0, b"\xfd7zXZ\0", "archive"),
    (0, b"\x28\xb5\x2f\xfd", "archive"),  # zstd
    (0, b"!<arch>\n", "archive"),
    (257, b"ustar", "archive"),
)
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def kind_of(head: bytes) -> Kind:
    """The kind of a file that begins with these bytes."""
    if not head:
        return "empty"
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "picture"
    return "binary" if encoding_of(head) is None else "text"
