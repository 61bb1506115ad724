"""Why a task was executed, or why it was not: its changed inputs by name, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.api.messages import TaskDetails
from engine.explain import Change, grouped, printable, subject
from engine.run_state import TaskState
from tui.format import Glyphs, duration_text, role_of, short_run, state_of, task_words
from tui.model.facts import Fact, FilePlace, Section, fact
from tui.model.spans import Span

_MOST_CHANGES = 200
_CHANGE_ROLES = {"added": "fs-added", "removed": "fs-removed", "changed": "fs-modified"}
_CHANGE_SIGNS = {"added": "+", "removed": "−", "changed": "~"}
_GROUP_WORDS = {
    "script": "script",
    "environment": "variables",
    "file": "files",
    "artifact": "artifacts",
    "base": "base",
    "system": "layers",
    "shell": "shell",
    "user": "user",
    "platform": "platform",
    "network": "network",
    "outputs": "outputs",
}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Two executions of a task, to open what differs in them; `workspace` as in `TaskDetails`."""

    run: str
    before: str
    task: str
    workspace: str = ""

    def place(self, change: Change) -> FilePlace | None:
        """The file, or all of the layer, that a change is about; None for a change of anything else."""
        if change.part == "file":
            path = f"{self.workspace.strip('/')}/{change.name}".lstrip("/")
            return self._place(self.task, path, is_input=True)
        if change.part == "system" and change.change == "changed" and change.name != "base":
            return self._place(change.name, "", is_input=False)
        return None

    def _place(self, task: str, path: str, *, is_input: bool) -> FilePlace:
        now, then = f"task:{self.run}/{task}", f"task:{self.before}/{task}"
        return FilePlace(state=now, path=path, before=then, is_input=is_input)


def why_sections(
    task: TaskState,
    tasks: dict[str, TaskState],
    details: TaskDetails | None,
    glyphs: Glyphs,
    now: float,
    run: str = "",
) -> tuple[Section, ...]:
    """The verdict, what had changed, what it would take to hit, and what the task was made of."""
    sections = [_verdict(task, tasks, details, glyphs, now)]
    if details is not None:
        compared = None
        if run and details.compared_with:
            key = task.description.task
            compared = Compared(run=run, before=details.compared_with, task=key, workspace=details.workspace)
        sections += change_sections(details.changes, glyphs, compared)
        sections.append(Section("to be a hit", tuple(fact("", text) for text in details.to_hit)))
        sections += [_filter_section(details), _input_section(details)]
    return tuple(section for section in sections if section.facts)


def change_sections(
    changes: Sequence[Change], glyphs: Glyphs, compared: Compared | None = None
) -> list[Section]:
    """A section for each part of the cache key that differs; with `compared`, its files can be opened."""
    sections = []
    for group in grouped(changes):
        part = group[0].part
        facts: list[Fact] = []
        for change in group[:_MOST_CHANGES]:
            facts.extend(change_facts(change, glyphs, None if compared is None else compared.place(change)))
        if len(group) > _MOST_CHANGES:
            facts.append(fact("", f"and {len(group) - _MOST_CHANGES} more", "dim-text"))
        count = f"{len(group)} changed" if len(group) > 1 else ""
        if any(item.opens for item in facts):
            count = f"{count}{', ' if count else ''}enter shows what differs"
        sections.append(Section(_GROUP_WORDS.get(part, part), tuple(facts), count))
    return sections


def change_facts(change: Change, glyphs: Glyphs, opens: FilePlace | None = None) -> Iterable[Fact]:
    """The name, and below it the text before and after; `opens`: where it can be looked at."""
    role = _CHANGE_ROLES[change.change]
    sign = (
        _CHANGE_SIGNS[change.change] if glyphs.is_unicode else _CHANGE_SIGNS[change.change].replace("−", "-")
    )
    head = (Span(f"{sign} ", role), Span(subject(change)), Span(f"  {change.change}", "dim-text"))
    yield Fact("", head, copied=change.name, opens=opens)
    for mark, text, colour in (("-", change.before, "fs-removed"), ("+", change.after, "fs-added")):
        if text is not None:
            yield Fact("", (Span(f"  {mark} {printable(text)}", colour),), copied=text)


def made_by(produced_by: str) -> str:
    """`task unit of run 01a1fe5c2b` for `RUN/TASK`."""
    run, _, task = produced_by.partition("/")
    return f"task {task} of run {short_run(run)}" if task else produced_by


def _verdict(
    task: TaskState, tasks: dict[str, TaskState], details: TaskDetails | None, glyphs: Glyphs, now: float
) -> Section:
    state = state_of(task)
    if task.cause == "cache_hit":
        produced_by = task.produced_by or (details.produced_by if details else None) or "an earlier run"
        facts = [
            _headline("cached", "hit: nothing in its cache key differs", glyphs),
            Fact("result of", (Span(made_by(produced_by)),), copied=produced_by),
        ]
        if task.saved_seconds >= 0.05:
            facts.append(fact("saved", duration_text(task.saved_seconds)))
        return Section("why", tuple(facts))
    if state == "skipped":
        return Section("why", (_headline(state, task_words(task, tasks, now), glyphs),))
    reason = task.miss_reason or (details.reason if details else None)
    if reason is None:
        words = (
            "not decided yet: its inputs are not complete" if not task.done else task_words(task, tasks, now)
        )
        return Section("why", (_headline(state, words, glyphs),))
    facts = [_headline("miss", f"executed: {reason}" if task.started_at else f"will run: {reason}", glyphs)]
    if details is not None and details.compared_with:
        run = details.compared_with
        facts.append(Fact("compared with", (Span(f"run {short_run(run)}"),), copied=run))
        if not details.changes:
            facts.append(fact("", "nothing in the cache key differs", "dim-text"))
    return Section("why", tuple(facts))


def _headline(state: str, words: str, glyphs: Glyphs) -> Fact:
    return Fact("", (Span(f"{glyphs.glyph(state)} ", role_of(state)), Span(words, bold=True)), copied=words)


def _filter_section(details: TaskDetails) -> Section:
    if details.filter is None:
        return Section("", ())
    facts = [
        fact("", printable(pattern)) if is_keyed else fact("", f"{printable(pattern)}  not in the cache key")
        for pattern, is_keyed in details.filter
    ]
    empty = (fact("", "no file of the workspace is visible", "dim-text"),)
    return Section("filter", tuple(facts) or empty)


def _input_section(details: TaskDetails) -> Section:
    facts = tuple(
        Fact(name, (Span(digest[:12], "dim-text"),), copied=digest)
        for name, digest in reversed(details.inputs)
    )
    return Section("layers it saw", facts, "highest first" if len(facts) > 1 else "")
