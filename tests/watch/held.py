"""What a process and all below it hold of this machine, as the kernel tells it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Held(msgspec.Struct, frozen=True):
    """Counts; `rss` in KiB. `work`: what lies in the work directories of the store."""

    rss: int
    descriptors: int
    threads: int
    processes: int
    zombies: int
    mounts: int
    watches: int
    work: int


def held_by(pid: int, store: Path) -> Held:
    """As of now."""
    family = _family(pid)
    return Held(
        rss=sum(_number(one, "VmRSS") for one in family),
        descriptors=sum(len(_names(f"/proc/{one}/fd")) for one in family),
        threads=sum(_number(one, "Threads") for one in family),
        processes=len(family),
        zombies=sum("State:\tZ" in _text(f"/proc/{one}/status") for one in family),
        mounts=sum(_text(f"/proc/{one}/mountinfo").count("\n") for one in family),
        watches=sum(
            _text(f"/proc/{one}/fdinfo/{name}").count("inotify wd:")
            for one in family
            for name in _names(f"/proc/{one}/fdinfo")
        ),
        work=sum(len(_names(str(place))) for place in (store / "work").iterdir()),
    )


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for thread in _names(f"/proc/{one}/task"):
            found += [int(child) for child in _text(f"/proc/{one}/task/{thread}/children").split()]
    return found


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _number(pid: int, name: str) -> int:
    for line in _text(f"/proc/{pid}/status").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
