"""The plain bytes of compressed files."""

from __future__ import annotations

import gzip
import io
import random
import zlib

import pytest

from engine.images.tar_stream import GzipReader

_PLAIN = random.Random(3).randbytes(300_000) + bytes(2_000_000)


def _read(packed: bytes, size: int = 1 << 20) -> bytes:
    reader = GzipReader(io.BytesIO(packed))
    parts = []
    while data := reader.read(size):
        assert len(data) <= size
        parts.append(data)
    return b"".join(parts)


@pytest.mark.parametrize("size", [1 << 20, 4_096, 777])
def test_gzip_gives_back_what_went_in(size: int) -> None:
    assert _read(gzip.compress(_PLAIN), size) == _PLAIN


def test_several_members_and_padding_are_read_through() -> None:
    parts = [b"one", b"", b"two" * 100_000]
    packed = b"".join(gzip.compress(part) for part in parts)
    assert _read(packed + bytes(1_000)) == b"".join(parts)
    assert _read(gzip.compress(b"one") + bytes(512) + gzip.compress(b"two")) == b"onetwo"


@pytest.mark.parametrize("cut", [1, 8, 9, 100, 299_000])
def test_a_cut_file_is_never_taken_for_a_whole_one(cut: int) -> None:
    with pytest.raises(EOFError):
        _read(gzip.compress(_PLAIN)[:-cut])


def test_damage_is_found_by_the_checksum() -> None:
    packed = bytearray(gzip.compress(_PLAIN))
    packed[-6] ^= 1
    with pytest.raises(zlib.error):
        _read(bytes(packed))


def test_what_follows_and_is_no_gzip_is_damage() -> None:
    with pytest.raises(zlib.error):
        _read(gzip.compress(b"one") + b"garbage")
