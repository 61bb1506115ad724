"""Contents of files of layers: their bytes, and nothing that is open is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.inspection.contents import Contents, Location, Opened
from engine.model.errors import StoreError

DIGEST = "ab" * 32


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    tree = tmp_path / "layers-v1" / "ab" / DIGEST / "tree"
    tree.mkdir(parents=True)
    (tree / "file").write_bytes(b"0123456789")
    (tmp_path / "secret").write_text("secret")
    return Contents(str(tmp_path))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_ranges_end_with_the_file(contents: Contents) -> None:
    with contents.open(Location("file", layer=DIGEST), 10) as opened:
        assert (opened.read(0, 4), opened.read(8, 100), opened.read(10, 1)) == (b"0123", b"89", b"")
        assert b"".join(opened.chunks(3)) == b"0123456789"


def test_a_part_of_a_file_has_nothing_around_it(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"secret|public|secret")
    opened = Opened(os.open(tmp_path / "image", os.O_RDONLY), 6, 7)
    assert (opened.read(0, 1000), opened.read(4, 1000), opened.read(6, 1000)) == (b"public", b"ic", b"")
    opened.close()


def test_what_is_forgotten_or_closed_twice_leaves_nothing_open(contents: Contents) -> None:
    before = descriptors()
    contents.open(Location("file", layer=DIGEST), 10)
    opened = contents.open(Location("file", layer=DIGEST), 10)
    opened.close()
    opened.close()
    assert descriptors() == before


@pytest.mark.parametrize(
    ("digest", "path", "size"),
    [
        (DIGEST, "file", 9),
        (DIGEST, "none", 0),
        (DIGEST, "../../../../secret", 6),
        ("../..", "secret", 6),
        ("ab" * 31 + "/.", "file", 10),
        (DIGEST.upper(), "file", 10),
        (f"{DIGEST}\n", "file", 10),
        ("", "layers-v1", 0),
    ],
)
def test_what_is_no_file_of_a_layer_is_refused(contents: Contents, digest: str, path: str, size: int) -> None:
    before = descriptors()
    with pytest.raises(StoreError):
        contents.open(Location(path, layer=digest), size)
    assert descriptors() == before
