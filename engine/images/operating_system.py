"""What a root filesystem says about itself: its operating system and its shell (reference §4)."""

from __future__ import annotations

from collections.abc import Callable

from engine.file_tree import Entry, FileTree

BASH = ("/bin/bash", "-l", "-e", "-o", "pipefail")
POSIX_SHELL = ("/bin/sh", "-l", "-e")

_LINKS = 40  # as many as the kernel follows


def follow(get: Callable[[str], Entry | None], path: str) -> str | None:
    """Where `path` (without a leading slash) leads inside a tree, links followed; None when nowhere."""
    done: list[str] = []
    todo = path.split("/")
    links = 0
    while todo:
        name = todo.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            done = done[:-1]
            continue
        entry = get("/".join([*done, name]))
        if entry is None:
            return None
        if entry.kind != "symlink":
            done.append(name)
            continue
        links += 1
        if links > _LINKS:
            return None
        if entry.target.startswith("/"):
            done = []
        todo = entry.target.split("/") + todo
    return "/".join(done)


def find(tree: FileTree, path: str) -> tuple[str, Entry] | None:
    """The place and entry that `path` leads to."""
    place = follow(tree.get, path)
    return None if not place or place not in tree else (place, tree[place])


def shell_of(tree: FileTree) -> tuple[str, ...]:
    """bash where it is at /bin/bash, else sh."""
    return BASH if find(tree, "bin/bash") else POSIX_SHELL


def os_of(tree: FileTree, read: Callable[[str], bytes | None]) -> str:
    """`ID VERSION_ID` of os-release(5), such as `debian 12`; "" when it says nothing."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        found = find(tree, path)
        content = read(found[0]) if found and found[1].kind == "file" else None
        if content is not None:
            return parse_os_release(content)
    return ""


def parse_os_release(content: bytes) -> str:
    """`ID VERSION_ID`, as far as they are there."""
    values = {}
    for line in content.decode("utf-8", "replace").splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            values[name] = value.strip().strip("\"'")
    return " ".join(part for part in (values.get("ID", ""), values.get("VERSION_ID", "")) if part)
