"""Listing a tree, following its links, and comparing two of them."""

from __future__ import annotations

import msgspec
import pytest

from engine.file_tree import Entry, FileTree
from engine.layer_files.links import PathNotFound, resolved
from engine.past.file_changes import below, differences
from engine.past.text_diff import unified


def directory() -> Entry:
    return Entry(kind="directory", mode=0o755, uid=0, gid=0)


def file(content: str) -> Entry:
    return Entry(kind="file", mode=0o644, uid=0, gid=0, size=len(content), digest=content)


def link(target: str) -> Entry:
    return Entry(kind="symlink", mode=0o777, uid=0, gid=0, target=target)


TREE: FileTree = {
    "": directory(),
    "usr": directory(),
    "usr/bin": directory(),
    "usr/bin/sh": file("sh"),
    "usr/lib.conf": file("conf"),
    "bin": link("usr/bin"),
    "work": directory(),
    "work/absolute": link("/usr/lib.conf"),
    "work/upwards": link("../../../usr/lib.conf"),
    "work/loop": link("loop"),
    "work/dangling": link("nothing"),
}


@pytest.mark.parametrize(
    "path, place",
    [
        ("", ""),
        ("usr/bin", "usr/bin"),
        ("bin/sh", "usr/bin/sh"),
        ("bin", "usr/bin"),
        ("work/absolute", "usr/lib.conf"),
        ("work/upwards", "usr/lib.conf"),
        ("work/../usr//./bin/sh", "usr/bin/sh"),
    ],
)
def test_links_are_followed_within_the_tree(path: str, place: str) -> None:
    assert resolved(TREE.get, path) == place


def test_a_last_link_can_be_left_alone() -> None:
    assert resolved(TREE.get, "work/loop", follow_last=False) == "work/loop"


@pytest.mark.parametrize("path", ["nope", "usr/nope/x", "work/loop", "work/dangling", "usr/lib.conf/x"])
def test_what_leads_nowhere_is_not_found(path: str) -> None:
    with pytest.raises(PathNotFound):
        resolved(TREE.get, path)


def test_a_directory_lists_what_lies_in_it() -> None:
    assert [path for path, _ in below(TREE, "usr", recursive=False)] == ["bin", "lib.conf"]
    assert [path for path, _ in below(TREE, "usr", recursive=True)] == ["bin", "bin/sh", "lib.conf"]
    assert [path for path, _ in below(TREE, "", recursive=False)] == ["bin", "usr", "work"]


def test_differences_tell_content_from_metadata() -> None:
    after = dict(TREE)
    after["usr/bin/sh"] = msgspec.structs.replace(TREE["usr/bin/sh"], mode=0o755)
    after["usr/lib.conf"] = file("new")
    after["bin"] = msgspec.structs.replace(TREE["bin"], mtime_ns=9)
    after["added"] = directory()
    del after["work/loop"]
    assert [(found.path, found.change) for found in differences(TREE, after)] == [
        ("added", "added"),
        ("usr/bin/sh", "metadata"),
        ("usr/lib.conf", "changed"),
        ("work/loop", "removed"),
    ]


def test_text_is_compared_by_line() -> None:
    assert unified(b"a\nb\n", b"a\nc", "x", "x")[2:] == [
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
        "\\ No newline at end of file",
    ]


def test_binary_and_huge_content_is_not_compared() -> None:
    assert unified(b"a\0", b"b\0", "x", "x") == []
    assert unified(b"a\n" * 2_000_000, b"b", "x", "x") == []
