"""Unpacking what an engine sends: as it is, and nowhere else, whoever sends it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.unpacking import REFUSED, unpack
from engine.inspection import tar_stream
from engine.model.errors import MachineError

Member = tuple[str, bytes, str]  # name, type, target or content


def tar_of(*members: Member, end: bytes = b"") -> Iterator[bytes]:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o6755 if kind == tarfile.REGTYPE else 0o755
            info.uid = info.gid = os.getuid()
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                tar.addfile(info)
    whole = data.getvalue()
    return iter([whole[place : place + 700] for place in range(0, len(whole), 700)])


ROOT: Member = (".", tarfile.DIRTYPE, "")


def ignore(files: int, size: int) -> None:
    pass


def test_a_directory_is_made_with_what_lies_in_it(tmp_path: Path) -> None:
    members = [
        ROOT,
        ("a", tarfile.DIRTYPE, ""),
        ("a/b", tarfile.REGTYPE, "content"),
        ("a/link", tarfile.SYMTYPE, "/etc"),
    ]
    assert unpack(tar_of(*members), str(tmp_path / "out"), ignore) == ()
    assert (tmp_path / "out" / "a" / "b").read_text() == "content"
    assert os.readlink(tmp_path / "out" / "a" / "link") == "/etc"


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", tarfile.REGTYPE, "x"),
        ("/tmp/evil", tarfile.REGTYPE, "x"),
        ("a/../../evil", tarfile.REGTYPE, "x"),
        ("a/./evil", tarfile.REGTYPE, "x"),
        ("a//evil", tarfile.REGTYPE, "x"),
        ("missing/evil", tarfile.REGTYPE, "x"),
        ("link/evil", tarfile.REGTYPE, "x"),
        ("link", tarfile.DIRTYPE, ""),
        ("link", tarfile.REGTYPE, "x"),
        ("file", tarfile.SYMTYPE, "/etc"),
    ],
)
def test_nothing_is_written_elsewhere_nor_over_anything(tmp_path: Path, member: Member) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    members = [
        ROOT,
        ("a", tarfile.DIRTYPE, ""),
        ("link", tarfile.SYMTYPE, str(elsewhere)),
        ("file", tarfile.REGTYPE, "first"),
        member,
    ]
    with pytest.raises(MachineError):
        unpack(tar_of(*members), str(tmp_path / "out"), ignore)
    assert os.listdir(elsewhere) == []
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "out"]
    assert (tmp_path / "out" / "file").read_text() == "first"


def test_hard_links_are_left_out(tmp_path: Path) -> None:
    (told,) = unpack(tar_of(ROOT, ("l", tarfile.LNKTYPE, "/etc/passwd")), str(tmp_path / "out"), ignore)
    assert told.startswith("l: ")
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("put", ["file", "directory", "dead link"])
def test_a_destination_that_exists_is_left_alone(tmp_path: Path, put: str) -> None:
    target = tmp_path / "out"
    if put == "file":
        target.write_text("mine")
    elif put == "directory":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    with pytest.raises(MachineError, match="exists already"):
        unpack(tar_of(("out", tarfile.REGTYPE, "x")), str(target), ignore)
    assert put != "file" or target.read_text() == "mine"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="can't be written"):
        unpack(tar_of(ROOT), str(tmp_path / "none" / "out"), ignore)


def test_what_went_wrong_on_the_other_side_is_told(tmp_path: Path) -> None:
    assert tar_stream.REFUSED == REFUSED
    header = tarfile.TarInfo.create_pax_global_header({REFUSED: "the layer is gone"})
    last = tarfile.TarInfo(REFUSED).tobuf(tarfile.PAX_FORMAT)
    with pytest.raises(MachineError, match="the layer is gone"):
        unpack(iter([header, last]), str(tmp_path / "out"), ignore)


def test_bytes_that_are_no_tar_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cut short"):
        unpack(iter([b"no tar at all" * 100]), str(tmp_path / "out"), ignore)
