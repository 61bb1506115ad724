"""What is told about a task, in sections: from its state in the run and what the engine keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.api.messages import TaskDetails
from engine.events import Message
from engine.progress.glyphs import message_state
from engine.progress.log_lines import clean
from engine.run_state import TaskState
from tui.format import Glyphs, duration_text, role_of, size_text, state_of, task_words
from tui.model.bars import bar
from tui.model.facts import Fact, Section, fact
from tui.model.spans import Row, Span
from tui.model.task_reasons import made_by
from tui.model.task_title import core_ranges

_BAR_CELLS = 16
_MOST_NEIGHBOURS = 40
_LONGEST_VALUE = 8192
_MESSAGE_ORDER = ("user_error", "error", "warning", "skip_reason", "info")
_PHASE_WORDS = {
    "inputs": "gather inputs",
    "cache": "look into cache",
    "mount": "mount layers",
    "background": "start background",
    "run": "run script",
    "collect": "collect outputs",
    "commit": "commit layer",
}


def users_of(task: str, tasks: Mapping[str, TaskState]) -> tuple[str, ...]:
    """The tasks that use this one or come after it, in the order of the run."""
    return tuple(
        key
        for key, other in tasks.items()
        if task in other.description.use or task in other.description.after
    )


def info_sections(
    task: TaskState,
    tasks: dict[str, TaskState],
    details: TaskDetails | None,
    script: Iterable[Row],
    used_by: tuple[str, ...],
    glyphs: Glyphs,
    now: float,
) -> tuple[Section, ...]:
    """Everything but environment and reasons; of a failed task what was said of it comes first.

    `script`: the rows of the script, `used_by` what `users_of` gives, `now` in seconds since the epoch.
    """
    said = message_section(task.messages or (details.messages if details else ()), glyphs)
    sections = [
        _script_section(details, script),
        _graph_section(task, tasks, used_by, glyphs, now),
        _time_section(task, glyphs),
        _machine_section(task, details),
        *_given_sections(details),
        _layer_section(task, details),
    ]
    sections.insert(0 if task.failed else 1, said)
    return tuple(section for section in sections if section.facts)


def environment_section(details: TaskDetails) -> Section:
    """Variables by name."""
    variables = sorted(details.environment.items())
    facts = (
        Fact(name, (Span(shown(value)),), copied=f"{name}={value}")
        for name, value in variables
    )  # fmt: skip
    return Section("environment", tuple(facts), _counted(variables))


def given_section(details: TaskDetails) -> Section:
    """What every task is told in variables; nothing for a task that was not executed."""
    variables = sorted(details.given.items())
    facts = (Fact(name, (Span(shown(value)),), copied=f"{name}={value}") for name, value in variables)
    note = f"{_counted(variables)}, as MINT_… too; and HOME, USER, LOGNAME" if variables else ""
    return Section("given to every task", tuple(facts), note)


def _counted(variables: Sequence[object]) -> str:
    return f"{len(variables)} variable{'s' * (len(variables) != 1)}"


def message_section(messages: Iterable[Message], glyphs: Glyphs) -> Section:
    """Errors, then warnings, then the rest, each with its place and advice."""
    ordered = sorted(messages, key=lambda message: _MESSAGE_ORDER.index(message.type))
    facts: list[Fact] = []
    for message in ordered:
        facts.extend(_message_facts(message, glyphs))
    return Section("messages", tuple(facts))


def shown(text: str) -> str:
    """A value as one line without control characters; what is very long is cut."""
    text = text[:_LONGEST_VALUE] + "…" if len(text) > _LONGEST_VALUE else text
    return " ⏎ ".join(clean(line) for line in text.split("\n")) if "\n" in text else clean(text)


def task_span(key: str, tasks: Mapping[str, TaskState], glyphs: Glyphs) -> Row:
    """A task with the glyph of its state, to go to."""
    other = tasks.get(key)
    if other is None:
        return (Span(key),)
    state = state_of(other)
    return (Span(f"{glyphs.glyph(state)} ", role_of(state)), Span(key, task=key))


def _message_facts(message: Message, glyphs: Glyphs) -> list[Fact]:
    state = message_state(message.type)
    place = f"{message.file}:{message.line}" if message.file and message.line else message.file or ""
    first, *rest = (clean(line) for line in message.message.rstrip("\n").split("\n"))
    mark = glyphs.glyph(state) if state else glyphs.bar
    role = {"failed": "diag-error", "retried": "diag-warning"}.get(state or "", "dim-text")
    word = message.type.replace("_", " ")
    head: tuple[Span, ...] = (Span(f"{mark} {word}: ", role, bold=True),)
    if place:
        head += (Span(f"{place}: ", "dim-text"),)
    facts = [
        Fact("", (*head, Span(first)), copied=f"{place}: {message.message}" if place else message.message)
    ]
    facts += [Fact("", (Span(f"  {line}"),)) for line in rest]
    if message.advice:
        facts.append(Fact("", (Span("  hint: ", "dim-text"), Span(clean(message.advice)))))
    return facts


def _script_section(details: TaskDetails | None, script: Iterable[Row]) -> Section:
    if details is None:
        return Section("script", (fact("", "loading…", "dim-text"),))
    whole = details.script or details.raw
    title = "script" if details.script else "definition"
    shell = " ".join(details.shell) if details.script else ""
    return Section(title, tuple(Fact("", row) for row in script) if whole else (), clean(shell))


def _graph_section(
    task: TaskState, tasks: dict[str, TaskState], used_by: tuple[str, ...], glyphs: Glyphs, now: float
) -> Section:
    facts = []
    for label, keys in (
        ("uses", task.description.use),
        ("runs after", task.description.after),
        ("needed by", used_by),
    ):
        for index, key in enumerate(keys[:_MOST_NEIGHBOURS]):
            words = f"  {task_words(tasks[key], tasks, now)}" if key in tasks else ""
            value = (*task_span(key, tasks, glyphs), Span(words, "dim-text"))
            facts.append(Fact(label if not index else " ", value, copied=key))
        if len(keys) > _MOST_NEIGHBOURS:
            facts.append(fact(" ", f"and {len(keys) - _MOST_NEIGHBOURS} more", "dim-text"))
    return Section("graph", tuple(facts))


def _time_section(task: TaskState, glyphs: Glyphs) -> Section:
    phases: dict[str, float] = {}
    for phase, seconds in task.phases:
        phases[phase] = phases.get(phase, 0.0) + seconds
    longest = max(phases.values(), default=0.0)
    facts = []
    for phase, seconds in phases.items():
        length = bar(seconds / longest if longest else 0.0, _BAR_CELLS, glyphs)
        value = (Span(f"{duration_text(seconds):>7} "), Span(length, "edge-active"))
        facts.append(Fact(_PHASE_WORDS.get(phase, phase), value))
    if task.seconds and task.cause != "cache_hit":
        facts.append(fact("in all", f"{duration_text(task.seconds):>7}"))
    return Section("time", tuple(facts))


def _machine_section(task: TaskState, details: TaskDetails | None) -> Section:
    facts = []
    if task.attempt:
        facts.append(fact("attempt", str(task.attempt)))
    if task.exit_code is not None:
        facts.append(fact("exit code", str(task.exit_code), "task-failed" if task.exit_code else ""))
    if task.cores:
        facts.append(fact("cores", core_ranges(task.cores)))
    if task.cpu_seconds is not None:
        part = f"  {task.cpu_seconds / task.seconds:.1f} cores busy" if task.seconds >= 0.05 else ""
        facts.append(
            Fact("CPU time", (Span(duration_text(task.cpu_seconds)), Span(part, "dim-text")))
        )  # fmt: skip
    if task.max_rss:
        limit = f"  of {size_text(task.description.memory)}" if task.description.memory else ""
        facts.append(Fact("most memory", (Span(size_text(task.max_rss)), Span(limit, "dim-text"))))
    if details is not None:
        for label, text in (
            ("user", details.user),
            ("workspace", details.workspace),
            ("network", details.network),
        ):
            if text:
                facts.append(fact(label, shown(text)))
    return Section("execution", tuple(facts))


def _given_sections(details: TaskDetails | None) -> list[Section]:
    """What the task gave to others and to its reader."""
    if details is None:
        return []
    links = tuple(
        Fact(shown(name), (Span(shown(url), "edge-active", link=url),), copied=url)
        for name, url in details.links.items()
    )
    return [
        Section("links", links),
        Section("values", _pairs(details.values)),
        Section("exported variables", _pairs(details.exports)),
        Section("artifacts", _digests(details.artifacts)),
    ]


def _pairs(values: Mapping[str, str]) -> tuple[Fact, ...]:
    return tuple(Fact(shown(name), (Span(shown(text)),), copied=text) for name, text in values.items())


def _digests(values: Mapping[str, str]) -> tuple[Fact, ...]:
    return tuple(Fact(shown(name), (Span(digest[:12]),), copied=digest) for name, digest in values.items())


def _layer_section(task: TaskState, details: TaskDetails | None) -> Section:
    facts = []
    layer = task.layer or (details.layer if details else None)
    size = task.layer_bytes or (details.layer_bytes if details else 0)
    cache_key = task.cache_key or (details.cache_key if details else None)
    if layer:
        facts.append(
            Fact("layer", (Span(layer[:12]), Span(f"  {size_text(size)}", "dim-text")), copied=layer)
        )
    elif task.done and not task.skipped and task.succeeded:
        facts.append(fact("layer", "none: changed no file", "dim-text"))
    if cache_key:
        facts.append(Fact("cache key", (Span(cache_key[:12]),), copied=cache_key))
    if details is not None and details.log_bytes:
        facts.append(fact("log", size_text(details.log_bytes)))
    produced_by = task.produced_by or (details.produced_by if details else None)
    if task.cause == "cache_hit" and produced_by:
        facts.append(Fact("produced by", (Span(made_by(produced_by)),), copied=produced_by))
        facts.append(fact("saved", duration_text(task.saved_seconds), role_of("cached")))
    return Section("result", tuple(facts))
