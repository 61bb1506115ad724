"""The difference between two executions in words: why a task could not be taken from the cache; pure.

`changes` names everything that differs between two cache key records; `short_reason` is the one
line of it that goes into a `cache_miss` event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from engine.file_tree import Entry, same_content
from engine.model.records import CacheKeyRecord

Part = Literal[
    "script",
    "environment",
    "file",
    "artifact",
    "base",
    "system",
    "shell",
    "user",
    "platform",
    "network",
    "outputs",
]
ChangeKind = Literal["added", "removed", "changed"]

FIRST_RUN = "first run"
GONE = "no longer in the cache"
# Scripts are compared line by line up to this many lines that differ; beyond it, as a whole.
_MOST_LINES = 2_000
_NOUNS = {
    "script": "script line",
    "environment": "variable",
    "file": "file",
    "artifact": "artifact",
    "system": "layer of",
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One input that differs. `name` says which of its part: a path, a variable, a line number, a task.

    `before` and `after` are texts to be read, None where there was or is nothing.
    """

    part: Part
    name: str
    change: ChangeKind
    before: str | None
    after: str | None


def short_reason(
    before: CacheKeyRecord | None, after: CacheKeyRecord, file_changes: Sequence[Change] = ()
) -> str:
    """`first run`, `changed file src/a.py and 2 others`, `changed variable MODE, changed base`.

    `file_changes` are those of `file_changes` below; without them a differing workspace is just named.
    """
    if before is None:
        return FIRST_RUN
    found = changes(before, after, file_changes)
    if not found:
        return GONE
    phrases = [phrase(group) for group in grouped(found)]
    more = len(phrases) - 2
    return ", ".join(phrases[:2]) + (f" and {more} more" if more > 0 else "")


def changes(
    before: CacheKeyRecord, after: CacheKeyRecord, file_changes: Sequence[Change] = ()
) -> tuple[Change, ...]:
    """Everything that makes the two keys differ, the most telling first; empty when they are equal."""
    found = _script(before.script, after.script)
    found += _mapping("environment", before.environment, after.environment)
    if before.workspace != after.workspace:
        whole = Change(
            part="file", name="workspace", change="changed", before=before.workspace, after=after.workspace
        )
        found += file_changes or (whole,)
    found += _layers(before.system, after.system)
    found += _mapping("artifact", before.artifacts, after.artifacts)
    found += _scalar("shell", "shell", before.shell, after.shell)
    found += _scalar("user", "user", before.user, after.user)
    found += _scalar("platform", "platform", before.platform, after.platform)
    found += _scalar("network", "network", before.network, after.network)
    found += _scalar("outputs", "outputs", before.outputs, after.outputs)
    directories = before.workspace_directory, after.workspace_directory
    found += _scalar("system", "workspace directory", *directories)
    found += _scalar("system", "format of the key", str(before.version), str(after.version))
    return tuple(found)


def file_changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> tuple[Change, ...]:
    """The paths that differ between two trees (the keyed parts of two workspaces), sorted."""
    differing = [path for path, entry in after.items() if not same_content(before.get(path), entry)]
    differing += [path for path in before if path not in after]
    return tuple(_file_change(path, before.get(path), after.get(path)) for path in sorted(differing))


def grouped(found: Sequence[Change]) -> list[list[Change]]:
    """The changes by part, in the order in which the parts first appear."""
    groups: dict[str, list[Change]] = {}
    for change in found:
        groups.setdefault(change.part, []).append(change)
    return list(groups.values())


def phrase(group: Sequence[Change]) -> str:
    """`changed file src/a.py and 2 others`, for changes of one part."""
    first = group[0]
    text = f"{first.change} {subject(first)}"
    others = len(group) - 1
    return text if not others else f"{text} and {others} other{'s' if others > 1 else ''}"


def subject(change: Change) -> str:
    """`file src/a.py`, `variable MODE`, `script line 3`, `layer of npm-install`, `base`, `user`."""
    name = printable(change.name)
    noun = _NOUNS.get(change.part)
    if change.name in ("workspace directory", "format of the key", "order of layers"):
        return name
    if change.part == "script" and not change.name.isdigit():
        return "script lines " + name
    return name if noun is None else f"{noun} {name}"


def describe_entry(entry: Entry | None) -> str | None:
    """An entry in a few words: `file 0644 0:0 120 bytes 9f2c…`."""
    if entry is None:
        return None
    text = f"{entry.kind} {entry.mode:04o} {entry.uid}:{entry.gid}"
    if entry.kind == "file":
        text += f" {entry.size} bytes {entry.digest[:12]}"
    elif entry.kind == "symlink":
        text += f" -> {printable(entry.target)}"
    elif entry.kind in ("character", "block"):
        text += f" device {entry.device:#x}"
    if entry.xattrs:
        text += " " + " ".join(f"{name}={value.hex()[:64]}" for name, value in entry.xattrs)
    return text


def printable(text: str) -> str:
    """A name without control characters or undecodable bytes: they show as `\\n`, `\\xff`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _file_change(path: str, before: Entry | None, after: Entry | None) -> Change:
    kind: ChangeKind = "added" if before is None else "removed" if after is None else "changed"
    return Change(
        part="file",
        name=path or ".",
        change=kind,
        before=describe_entry(before),
        after=describe_entry(after),
    )


def _mapping(part: Part, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            kind: ChangeKind = "added" if old is None else "removed" if new is None else "changed"
            found.append(Change(part=part, name=name, change=kind, before=old, after=new))
    return found


def _scalar(part: Part, name: str, before: str, after: str) -> list[Change]:
    if before == after:
        return []
    return [Change(part=part, name=name, change="changed", before=before, after=after)]


def _layers(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[Change]:
    """What the system part was made of; names alone make no difference."""
    if [digest for _, digest in before] == [digest for _, digest in after]:
        return []
    old, new = _by_name(before), _by_name(after)
    found = [
        msgspec.structs.replace(change, part="base") if change.name == "base" else change
        for change in _mapping("system", old, new)
    ]
    found.sort(key=lambda change: change.part != "base")
    if not found:
        order = ", ".join(name for name, _ in before), ", ".join(name for name, _ in after)
        found = _scalar("system", "order of layers", *order)
    return found


def _by_name(layers: Sequence[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, list[str]] = {}
    for name, digest in layers:
        names.setdefault(name, []).append(digest)
    return {name: ",".join(digests) for name, digests in names.items()}


def _script(before: str, after: str) -> list[Change]:
    """The lines that differ, by their number: in the new script, or in the old one where they are gone."""
    if before == after:
        return []
    old, new = before.split("\n"), after.split("\n")
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(old), len(new)) > _MOST_LINES:
        name = f"{start + 1}–{start + len(new)}"
        return [Change(part="script", name=name, change="changed", before=None, after=None)]
    return _line_changes(start, old, new)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _line_changes(start: int, old: Sequence[str], new: Sequence[str]) -> list[Change]:
    import difflib  # imported only where a script has changed

    found = []
    for tag, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(
        None, old, new, False
    ).get_opcodes():
        if tag == "equal":
            continue
        both = min(old_to - old_from, new_to - new_from)
        for index in range(max(old_to - old_from, new_to - new_from)):
            is_new, is_old = index < new_to - new_from, index < old_to - old_from
            number = start + 1 + (new_from + index if is_new else old_from + index)
            kind: ChangeKind = "changed" if index < both else "added" if is_new else "removed"
            found.append(
                Change(
                    part="script",
                    name=str(number),
                    change=kind,
                    before=old[old_from + index] if is_old else None,
                    after=new[new_from + index] if is_new else None,
                )
            )
    return found
