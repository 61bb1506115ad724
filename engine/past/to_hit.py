"""What it would take that a task is a hit, as sentences to act on; pure, but for who is asked for a file."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine import explain
from engine.execution.resolved import FROM_FAILURE, FROM_SHELL
from engine.explain import Change, Part, printable

_SHOWN = 5  # of one part
_LONGEST = 60  # characters of a value that are shown

Restore = Callable[[str, str], "str | None"]


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was executed. `changes`: since the last time; `had_result`: whether that one's is kept.

    `was_entered`: a shell was opened in it while it ran.
    """

    reason: str | None
    succeeded: bool
    changes: tuple[Change, ...] = ()
    had_result: bool = False
    was_entered: bool = False


def to_hit(missed: Missed, restore: Restore) -> tuple[str, ...]:
    """Sentences, each something to do; the last one may say what comes by itself.

    `restore(path, entry)`: the command that brings a file back as it was described, or None.
    """
    if missed.was_entered:
        return ("run it without opening a shell in it: its result was not cached because of that",)
    known = _of_reason(missed.reason)
    if known is not None:
        return known
    after = (
        "the next run with the same inputs hits"
        if missed.succeeded
        else "it has to succeed: failures are not cached"
    )
    if missed.reason == explain.GONE:
        why = "the result of the last time has been collected"
        return (f"nothing: {why}, and {after}" if missed.succeeded else after,)
    if not missed.changes:
        return (f"nothing: {after}" if missed.succeeded else after,)
    if not missed.had_result:
        return (
            (f"nothing: there is no result of the last time to go back to, and {after}",)
            if missed.succeeded
            else (after,)
        )
    found: list[str] = []
    for group in explain.grouped(missed.changes):
        found += [_undone(change, restore) for change in group[:_SHOWN]]
        if len(group) > _SHOWN:
            found.append(f"and the same for {len(group) - _SHOWN} more of {group[0].part}")
    return (*found, f"or nothing: {after}" if missed.succeeded else f"or: {after}")


def _of_reason(reason: str | None) -> tuple[str, ...] | None:
    """Where the cache was not asked, or its answer did not count."""
    match reason:
        case "cache: false":
            return ("remove `cache: false` from the task",)
        case "--no-cache":
            return ("run it without `--no-cache`",)
        case "checked for determinism":
            return ("run it without `--check-determinism`",)
        case "breakpoint":
            return ("run it without a breakpoint",)
        case "ttl has expired":
            return ("give it a longer `cache.ttl`, or run it again within this one",)
        case _ if reason in (FROM_SHELL, FROM_FAILURE):
            return ("let it run from its inputs: what began with changes by hand is never cached",)
        case _:
            return None


def _undone(change: Change, restore: Restore) -> str:
    match change.part:
        case "script":
            return _script(change)
        case "environment":
            return _set_back(f"`{printable(change.name)}`", change)
        case "file":
            return _file(change, restore)
        case "artifact":
            task, _, name = change.name.rpartition(".")
            if task == "run":
                return "put the files beside the definition (`run.dir`) back as they were"
            return f"let `{printable(task)}` give the same artifact `{printable(name)}` as before"
        case "base":
            return "let the base be what it was: the same image or, with `host:`, the same packages"
        case "system":
            return _layer(change)
        case _:
            return _setting(change.part, change)


def _script(change: Change) -> str:
    line = printable(change.name)
    if not change.name.isdigit():
        return f"put back lines {line} of the script"
    if change.change == "added":
        return f"take line {line} out of the script: {_shown(change.after)}"
    if change.change == "removed":
        return f"put the line back into the script that was line {line}: {_shown(change.before)}"
    return f"put back line {line} of the script: {_shown(change.before)}"


def _file(change: Change, restore: Restore) -> str:
    path = printable(change.name)
    if change.name == "workspace" and not (change.before or "").startswith(("file", "directory", "symlink")):
        return "put the files of the workspace back as they were; which differ is not known any more"
    if change.before is None:
        return f"remove {path}"
    command = restore(change.name, change.before)
    words = "bring back" if change.after is None else "restore"
    return f"{words} {path} (`{command}`)" if command else f"{words} {path} as it was"


def _layer(change: Change) -> str:
    if change.name == "order of layers":
        return f"use the tasks in the order of before: {_shown(change.before)}"
    if change.name == "format of the key":
        return "nothing: this version of outcrop makes other cache keys"
    if change.name == "workspace directory":
        return _set_back("the workspace directory", change)
    task = printable(change.name)
    if change.before is None:
        return f"leave out `{task}`"
    if change.after is None:
        return f"use `{task}` again"
    return f"let `{task}` leave the same files as before (`outcrop why {task}`)"


def _setting(part: Part, change: Change) -> str:
    return "declare the same `outputs` as before" if part == "outputs" else _set_back(f"the {part}", change)


def _set_back(what: str, change: Change) -> str:
    return f"unset {what}" if change.before is None else f"set {what} back to {_shown(change.before)}"


def _shown(value: str | None) -> str:
    text = printable((value or "").strip())
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`" if text else "nothing"
