"""Names of files that are chosen anew each time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.file_tree import Entry, parent_of

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"\d{3,}")
_TEMPORARY = re.compile(r"(?:^|[._-])(?:tmp|temp)|tmp[._-]|\.XXX", re.IGNORECASE)


def renamed(paths: Sequence[str], first: Mapping[str, Entry], second: Mapping[str, Entry]) -> dict[str, str]:
    """Path of the first time -> path of the second, for files with one content and another name.

    Only in the same directory, and only where there is but one that it could be.
    """
    gone, come = _by_content(paths, first, second), _by_content(paths, second, first)
    return {
        olds[0]: come[key][0] for key, olds in gone.items() if len(olds) == 1 and len(come.get(key, ())) == 1
    }


def name_hint(path: str, other: str = "") -> str:
    """Why a file may be there only one of two times, or under another name."""
    name = path.rpartition("/")[2]
    if "__pycache__" in path or name.endswith(".pyc"):
        return "compiled Python: filter `__pycache__` out, or set `PYTHONDONTWRITEBYTECODE=1`"
    if _UUID.search(name):
        return "a random name: give it a fixed one, or filter it out"
    if _TEMPORARY.search(name) or (other and not _NUMBER.search(name)):
        return "a temporary file with a random name: remove it at the end, or filter it out"
    if _NUMBER.search(name):
        return "a number in the name, such as a time or a process: give it a fixed one"
    return ""


def _by_content(
    paths: Sequence[str], there: Mapping[str, Entry], elsewhere: Mapping[str, Entry]
) -> dict[tuple[str, str, int], list[str]]:
    found: dict[tuple[str, str, int], list[str]] = {}
    for path in paths:
        entry = there.get(path)
        if entry is not None and path not in elsewhere:
            found.setdefault((parent_of(path), entry.kind + entry.digest, entry.mode), []).append(path)
    return found
