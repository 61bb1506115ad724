"""Opening files beneath a directory: regular files by their own path, and nothing else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.inspection.beneath import NotRegular, open_regular


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").write_text("content")
    (tree / "empty").write_text("")
    (tree / "to-file").symlink_to("a/b/file")
    (tree / "to-folder").symlink_to("a")
    (tree / "to-etc").symlink_to("/etc")
    (tree / "to-passwd").symlink_to("/etc/passwd")
    (tree / "out").symlink_to("..")
    os.mkfifo(tree / "fifo")
    (tmp_path / "outside").write_text("outside")
    return tree


def content(root: Path, path: str) -> bytes:
    descriptor = open_regular(str(root), path)
    try:
        return os.read(descriptor, 1000)
    finally:
        os.close(descriptor)


def test_a_file_is_opened_by_its_path(root: Path) -> None:
    assert content(root, "a/b/file") == b"content"
    assert content(root, "empty") == b""


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "to-file",
        "to-folder/b/file",
        "to-etc/passwd",
        "to-passwd",
        "out/outside",
        "a",
        "fifo",
        "nothing",
        "empty/x",
        "a/b/file\0",
        "a/b/file\0/../../../outside",
        "a/" + "x" * 300,
        "x/" * 5_000 + "x",
        "/" + "x/" * 5_000,
        "../" * 3_000 + "etc/passwd",
    ],
    ids=lambda path: path[:40],
)
def test_nothing_else_is(root: Path, path: str) -> None:
    with pytest.raises((OSError, NotRegular)):
        open_regular(str(root), path)


def test_a_socket_is_no_file(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "socket"))
    with pytest.raises(NotRegular):
        open_regular(str(root), "socket")


def test_a_path_longer_than_the_kernel_takes_is_walked(root: Path) -> None:
    name = "n" * 200
    place = os.open(root, os.O_RDONLY)
    for _ in range(40):
        os.mkdir(name, dir_fd=place)
        inner = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    with open(os.open("deep", os.O_WRONLY | os.O_CREAT, dir_fd=place), "w") as file:
        file.write("deep")
    os.close(place)
    path = "/".join([name] * 40 + ["deep"])
    assert len(path) > 4096
    assert content(root, path) == b"deep"


def test_a_root_that_is_a_link_is_refused(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    with pytest.raises(OSError):
        open_regular(str(link), "a/b/file")
