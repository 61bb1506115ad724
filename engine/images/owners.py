"""Which owner in the container an owner on disk stands for."""

from __future__ import annotations

import os
import pwd

import msgspec

Range = tuple[int, int, int]  # first id outside, first id inside, how many


class OwnerMap(msgspec.Struct, frozen=True, kw_only=True):
    """Ids outside -> ids inside; an id in no range stands for itself."""

    users: tuple[Range, ...] = ()
    groups: tuple[Range, ...] = ()

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """The owner inside."""
        return _inside(self.users, uid), _inside(self.groups, gid)


def owner_map() -> OwnerMap:
    """For root: as on disk. For an ordinary user: what is theirs is root's, and their subordinate ids
    are what they are in their user namespace, from 1 on."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        return OwnerMap()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return OwnerMap(
        users=((uid, 0, 1), *_subordinate("/etc/subuid", name, uid)),
        groups=((gid, 0, 1), *_subordinate("/etc/subgid", name, uid)),
    )


def _inside(ranges: tuple[Range, ...], number: int) -> int:
    for outside, inside, count in ranges:
        if outside <= number < outside + count:
            return number - outside + inside
    return number


def _subordinate(path: str, name: str, uid: int) -> list[Range]:
    """The ranges of `path` (subuid(5)), laid end to end from 1 on."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    ranges = []
    inside = 1
    for line in lines:
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in (name, str(uid)) and (fields[1] + fields[2]).isdigit():
            ranges.append((int(fields[1]), inside, int(fields[2])))
            inside += int(fields[2])
    return ranges
