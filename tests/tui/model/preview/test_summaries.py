"""Programs, archives and pictures: real ones, and damaged ones, which never end in an exception."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tui.format import Glyphs
from tui.model.facts import lay_out
from tui.model.preview.archive_listing import MOST_MEMBERS, Listing, listing_of, listing_sheet
from tui.model.preview.content import MemoryContent, SharedContent
from tui.model.preview.picture import Picture, picture_of
from tui.model.preview.program_summary import program_sections
from tui.model.preview.sheet import line_text
from tui.model.spans import row_text


def never() -> bool:
    return False


def content(data: bytes) -> SharedContent:
    return SharedContent(MemoryContent(data))


def program(data: bytes) -> str:
    return "\n".join(
        row_text(line.row) for line in lay_out(program_sections(content(data), never), 80, Glyphs())
    )


def listing(data: bytes) -> Listing:
    return listing_of(content(data), data[:65536], never)


def drawn(data: bytes) -> list[str]:
    sheet = listing_sheet(listing(data))
    return [line_text(line) for index in range(len(sheet)) if (line := sheet.line(index)) is not None]


def picture(data: bytes, width: int = 20, height: int = 10) -> Picture:
    return picture_of(content(data), width, height, never)


def tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def png(size: tuple[int, int] = (4, 4), mode: str = "RGB", colour: object = (255, 0, 0)) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, colour).save(made, "PNG")  # type: ignore[arg-type]
    return made.getvalue()


def ar(*members: tuple[str, bytes]) -> bytes:
    found = b"!<arch>\n"
    for name, data in members:
        found += (
            f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )
    return found


BASH = Path("/bin/bash").read_bytes()


def test_a_program_says_what_it_is_and_needs() -> None:
    text = program(BASH)
    assert "ELF 64-bit program, position independent" in text
    assert "interpreter  /lib" in text
    assert "needs  libc.so.6" in text
    assert ".text" in text and "build id" in text


@pytest.mark.parametrize("size", [4, 16, 63, 64, 100, 1000, 5000, 100_000])
def test_a_program_that_is_cut_off_says_that_it_is_damaged(size: int) -> None:
    assert "damaged" in program(BASH[:size])


def test_programs_with_made_up_numbers_never_end_in_an_exception() -> None:
    dice = random.Random(1)
    for _ in range(150):
        data = bytearray(BASH[:20_000] + BASH[-3_000:])
        for _ in range(30):
            data[dice.randrange(20, 4000)] = dice.randrange(256)
        data[40:48] = struct.pack("<Q", dice.randrange(1 << dice.randrange(1, 64)))
        assert program(bytes(data)).replace("\n", "").isprintable()


def test_members_are_listed_with_sizes_and_permissions() -> None:
    lines = drawn(tar({"a/b.txt": b"x" * 2000, "evil\x1b[31m\nname": b""}))
    assert lines[0] == "tar archive, 2 members, 2.0K unpacked"
    assert lines[2].startswith("-rw-r--r--") and lines[2].endswith("2.0K  a/b.txt")
    assert lines[3].endswith("evil\\x1b[31m\\nname")


@pytest.mark.parametrize(("mode", "words"), [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_compressed_archives_are_looked_into(mode: str, words: str) -> None:
    assert drawn(tar({"a": b"1"}, mode))[0] == f"tar archive, compressed with {words}, 1 member, 1B unpacked"


def test_a_compressed_file_that_is_no_archive_says_how_large_it_is() -> None:
    made = io.BytesIO()
    with gzip.GzipFile("notes.txt", "wb", fileobj=made) as file:
        file.write(b"x" * 3000)
    assert drawn(made.getvalue())[0] == "compressed with gzip, 1 member, 2.9K unpacked"
    assert drawn(made.getvalue())[2].endswith("notes.txt")


@pytest.mark.parametrize(
    ("name", "words"),
    [("x-1.dist-info/WHEEL", "Python wheel"), ("META-INF/MANIFEST.MF", "Java archive"), ("x", "zip archive")],
)
def test_zip_archives_by_what_they_are_for(name: str, words: str) -> None:
    assert drawn(zipped({name: b"1"}))[0].startswith(words)


def test_a_debian_package_is_looked_into() -> None:
    data = ar(
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", tar({"./control": b"Package: x"}, "w:gz")),
        ("data.tar.xz", tar({"./usr/bin/x": b"1"}, "w:xz")),
    )
    names = [line.split()[-1] for line in drawn(data)[2:]]
    assert names == ["debian-binary", "control.tar.gz", "control", "data.tar.xz", "usr/bin/x"]
    assert drawn(data)[0].startswith("Debian package, 5 members")


@pytest.mark.skipif(shutil.which("ar") is None, reason="there is no ar here")
def test_a_library_by_ar_itself(tmp_path: Path) -> None:
    for name in ("short.o", "a_name_that_is_longer_than_sixteen.o"):
        (tmp_path / name).write_bytes(b"12345")
    subprocess.run(
        ["ar", "rc", "x.a", "short.o", "a_name_that_is_longer_than_sixteen.o"], cwd=tmp_path, check=True
    )
    lines = drawn((tmp_path / "x.a").read_bytes())
    assert [line.split()[-1] for line in lines[2:]] == ["short.o", "a_name_that_is_longer_than_sixteen.o"]


@pytest.mark.parametrize("make", [tar, zipped])
def test_only_the_first_thousand_members_are_listed(make: object) -> None:
    data = make({f"file{number}": b"" for number in range(MOST_MEMBERS + 5)})  # type: ignore[operator]
    found = listing(data)
    assert len(found.members) == MOST_MEMBERS and "only the first 1,000" in found.problem


def test_a_decompression_bomb_is_given_up() -> None:
    bomb = gzip.compress(bytes(30 << 20), 1) * 10
    assert listing(bomb).problem == "the rest is too large to be looked through"


def test_an_endless_name_of_a_member_is_not_read() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 33
    found = listing(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "too long" in found.problem


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    "data",
    [
        tar({"a": bytes(9000), "b": bytes(9000)}),
        tar({"a": random.Random(1).randbytes(9000)}, "w:gz"),
        tar({"a": random.Random(1).randbytes(9000)}, "w:xz"),
        zipped({"a": bytes(9000), "b": b""}),
        ar(("a", bytes(9000)), ("b", bytes(900))),
        png((40, 40)),
        BASH,
    ],
    ids=["tar", "tar.gz", "tar.xz", "zip", "ar", "png", "elf"],
)
def test_whatever_is_cut_off_or_scrambled_never_ends_in_an_exception(data: bytes, cut: float) -> None:
    short = data[: int(len(data) * cut)]
    dice = random.Random(int(cut * 10))
    scrambled = bytearray(data[:30_000])
    for _ in range(20):
        scrambled[dice.randrange(8, len(scrambled))] = dice.randrange(256)
    for damaged in (short, bytes(scrambled)):
        assert all(line.isprintable() for line in drawn(damaged))
        picture(damaged)
        program(damaged)


def test_a_picture_becomes_two_pixels_in_each_cell() -> None:
    found = picture(png((4, 3)))
    assert found.words == "PNG, 4 × 3, RGB"
    red = b"\xff\0\0" * 4
    assert found.rows == ((red, red), (red, b""))


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    found = picture(png((400, 200)), 20, 10)
    assert len(found.rows) == 5 and len(found.rows[0][0]) == 20 * 3


@pytest.mark.parametrize(
    ("mode", "colour"),
    [("L", 200), ("1", 1), ("P", 3), ("LA", (1, 2)), ("RGBA", (1, 2, 3, 4)), ("I;16", 40_000)],
)
def test_pictures_of_any_kind_of_pixels(mode: str, colour: object) -> None:
    found = picture(png((50, 50), mode, colour))
    assert not found.problem and found.rows


def test_what_is_transparent_is_seen_through() -> None:
    found = picture(png((8, 8), "RGBA", (0, 0, 0, 0)))
    assert len({found.rows[0][0][place : place + 3] for place in range(0, 24, 3)}) == 2


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    bomb = bytearray(png())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    found = picture(bytes(bomb))
    assert not found.rows and found.problem


def test_only_what_it_is_where_nothing_can_be_drawn() -> None:
    assert picture(png((4, 4)), 0, 0) == Picture("PNG, 4 × 4, RGB")


def test_what_nobody_waits_for_any_more_ends_at_once() -> None:
    data = tar({f"file{number}": b"" for number in range(100)})
    found = listing_of(content(data), data[:65536], lambda: True)
    assert not found.members
