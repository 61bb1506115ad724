"""Where in its file the script of a task stands, for messages that name its lines."""

from __future__ import annotations

from engine.definition.problems import Problems
from engine.definition.yaml_nodes import Mapping, Sequence, flatten
from engine.definition.yaml_reader import read_yaml


def first_line(raw: str, task_line: int, script: str) -> int | None:
    """The line of the file with the first line of `script`; None unless it stands there line for line.

    `raw`: the YAML of the task, which begins on `task_line`; `script` after evaluation.
    """
    root = read_yaml(raw, Problems(""))
    run = root.get("run") if isinstance(root, Mapping) else None
    if run is None:
        return None
    first = next(flatten(run), run) if isinstance(run, Sequence) else run
    written, executed = raw.split("\n"), script.rstrip("\n").split("\n")
    for line in (first.line, first.line + 1):
        if _stands_at(written[line - 1 :], executed):
            return task_line + line - 1
    return None


def _stands_at(written: list[str], executed: list[str]) -> bool:
    """Whether the lines are those; a line with an expression may have become any other."""
    if len(written) < len(executed):
        return False
    return all(
        "${{" in there or (line.strip() in there if line.strip() else not there.strip())
        for there, line in zip(written, executed, strict=False)
    )
