"""Where two contents of one file differ, and why that may be."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.inspection.differing_files import Differing, differing


class Bytes:
    """A content in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def compare(first: bytes, second: bytes, path: str = "file") -> Differing:
    return differing(path, Bytes(first), Bytes(second), ("1" * 32, "2" * 32))


@pytest.mark.parametrize(
    "first, second, where, hint",
    [
        (b"a\nb\nc\n", b"a\nx\nc\n", "line 2", ""),
        (b"a\n", b"a\nb\n", "line 2", ""),
        (b"", b"a", "line 1", ""),
        (b"built 2026-11-21\n", b"built 2026-11-22\n", "line 1", "a time"),
        (b"at 1795280166\n", b"at 1795280170\n", "line 1", "a time"),
        (b"b\na\n", b"a\nb\n", "line 1", "the same lines in another order"),
        (b'{"a", "b"}', b'{"b", "a"}', "line 1", "the same words in another order"),
        (b"x" * 32 + b"1" * 32, b"x" * 32 + b"2" * 32, "line 1", "the id of the run"),
        (b"/tmp/tmp.Ab1/x", b"/tmp/tmp.Cd2/x", "line 1", "the random name of a temporary file"),
        (b"took 12.5 s", b"took 13.25 s", "line 1", "a number"),
        (b"\0\1\2\3", b"\0\1\2\4", "byte 3", ""),
        (b"\0" * 9000 + b"1", b"\0" * 9000 + b"2", "byte 9000", ""),
        (b"\0" * 300_000 + b"1", b"\0" * 300_000, "byte 300000", ""),
    ],
)
def test_the_first_place_is_found(first: bytes, second: bytes, where: str, hint: str) -> None:
    found = compare(first, second)
    assert found.where == where
    assert found.hint.startswith(hint)
    assert bool(found.hint) == bool(hint)


def test_control_characters_are_escaped_and_long_lines_cut() -> None:
    found = compare(b"\x1b[31m\xff" + b"x" * 10_000 + b"a", b"\x1b[31m\xff" + b"x" * 10_000 + b"b")
    assert found.first is not None and len(found.first) < 200
    assert found.first.startswith("…x") and found.first.endswith("a")
    assert compare(b"\x1b\xff", b"").first == "\\x1b\\xff"


def _tar(members: Sequence[tuple[str, bytes, int]], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content, mtime in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), mtime
            tar.addfile(info, io.BytesIO(content))
    data = target.getvalue()
    return data[:4] + b"\0\0\0\0" + data[8:] if mode == "w:gz" else data


def _zip(members: Sequence[tuple[str, bytes, int]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content, second in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, second * 2)), content)
    return target.getvalue()


_PLAIN = [("a", b"1", 1), ("b", b"2", 1)]


@pytest.mark.parametrize("make", [_tar, lambda members: _tar(members, "w:gz"), _zip])
@pytest.mark.parametrize(
    "members, where",
    [
        ([("a", b"1", 1), ("b", b"3", 1)], "content of member b"),
        ([("a", b"1", 1), ("b", b"2", 2)], "time of member b"),
        ([("b", b"2", 1), ("a", b"1", 1)], "order of members"),
        ([("a", b"1", 1), ("c\n", b"2", 1)], "member b"),
    ],
)
def test_the_member_of_an_archive_is_named(
    make: object, members: list[tuple[str, bytes, int]], where: str
) -> None:
    assert callable(make)
    assert compare(make(_PLAIN), make(members)).where == where


def test_gzip_differs_in_its_header_or_in_what_it_holds() -> None:
    one = gzip.compress(b"same", mtime=1)
    found = compare(one, gzip.compress(b"same", mtime=2))
    assert (found.where, found.first) == ("header of gzip", "1970-01-01 00:00:01 UTC")
    assert "gzip -n" in found.hint
    found = compare(gzip.compress(b"a\nb"), gzip.compress(b"a\nc"), "log.gz")
    assert (found.where, found.first, found.second) == ("line 2, decompressed", "b", "c")
    text = b"".join(str(number).encode() for number in range(9999))
    found = compare(gzip.compress(text, 1, mtime=0), gzip.compress(text, 9, mtime=0))
    assert found.where == "compression, the content is the same"


@pytest.mark.parametrize("damage", ["cut", "garbled", "bomb"])
def test_broken_archives_are_compared_as_bytes(damage: str) -> None:
    one, other = bytearray(_tar(_PLAIN, "w:gz")), bytearray(_tar(_PLAIN, "w:gz"))
    if damage == "cut":
        del other[20:]
    elif damage == "garbled":
        other[12:40] = b"\xff" * 28
    else:
        one = bytearray(gzip.compress(bytes(20 << 20), 1) * 30)  # more than would be looked through
        other = bytearray(one[:-8] + b"x" * 8)
    assert compare(bytes(one), bytes(other)).where.startswith("byte ")


def test_an_archive_of_objects_names_its_member(tmp_path: Path) -> None:
    archives = []
    for number, content in enumerate(("one", "two")):
        (tmp_path / "object.o").write_text(content)
        archive = tmp_path / f"{number}.a"
        try:
            subprocess.run(["ar", "rcD", str(archive), "object.o"], cwd=tmp_path, check=True)
        except FileNotFoundError:
            pytest.skip("ar is missing (binutils)")
        archives.append(archive.read_bytes())
    assert compare(archives[0], archives[1]).where == "content of member object.o/"
