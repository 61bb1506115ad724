"""Looks a task's user up in the root filesystem it runs in, as `$RWX_IMAGE/user` names it (reference §13)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import msgspec

from engine.model.errors import UserError

_LIMIT = 1 << 20


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers inside the sandbox, the name, and the home directory there."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str


def look_up(open_inside: Callable[[str], int], user: str) -> Login:
    """`NAME`, `UID` or `UID:GID` in the root's `/etc/passwd` and `/etc/group`.

    `open_inside(path)` opens for reading, links being followed within the root. UserError for a
    name that the root does not know; a bare number need not be known.
    """
    wanted, _, group = user.partition(":")
    for fields in _records(open_inside, "etc/passwd", 6):
        if fields[0] == wanted or fields[2] == wanted:
            uid, gid, name, home = fields[2], fields[3], fields[0], fields[5] or "/"
            break
    else:
        if not wanted.isdecimal():
            raise UserError(
                f"there is no user `{wanted}` in this task's `/etc/passwd`",
                "create it in an earlier task, or write its number into `$RWX_IMAGE/user`",
            )
        uid, gid, name, home = wanted, wanted if wanted != "0" else "0", wanted, "/"
        if wanted == "0":
            name, home = "root", "/root"
    if group:
        gid = group if group.isdecimal() else _group_id(open_inside, group)
    if not (uid.isdecimal() and gid.isdecimal()):
        raise UserError(f"the entry of `{wanted}` in this task's `/etc/passwd` has no numbers")
    groups = tuple(
        int(fields[2])
        for fields in _records(open_inside, "etc/group", 4)
        if name in fields[3].split(",") and fields[2].isdecimal() and fields[2] != gid
    )
    return Login(uid=int(uid), gid=int(gid), groups=() if group else groups, name=name, home=home)


def _group_id(open_inside: Callable[[str], int], group: str) -> str:
    for fields in _records(open_inside, "etc/group", 3):
        if fields[0] == group:
            return fields[2]
    raise UserError(f"there is no group `{group}` in this task's `/etc/group`")


def _records(open_inside: Callable[[str], int], path: str, count: int) -> Iterator[list[str]]:
    try:
        descriptor = open_inside(path)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        text = file.read(_LIMIT).decode(errors="replace")
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= count and not line.startswith("#"):
            yield fields
