"""A project on disk with the real program, and one run of it as its events tell it."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.program import Finished, Program

SYSTEM = ("~base-image", "~base-config")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A run as it was seen from outside."""

    finished: Finished

    @property
    def exit_code(self) -> int:
        return self.finished.exit_code

    @property
    def stderr(self) -> str:
        return self.finished.stderr

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return self.finished.events

    def of(self, kind: str, task: str | None = None) -> list[dict[str, Any]]:
        """The events of this type, in order."""
        return [
            event
            for event in self.events
            if event["type"] == kind and (task is None or event.get("task") == task)
        ]

    @property
    def run(self) -> str:
        return str(self.of("run_started")[0]["run"])

    @property
    def ends(self) -> dict[str, dict[str, Any]]:
        """`task_finished` by task, without those of the base."""
        return {event["task"]: event for event in self.of("task_finished") if event["task"] not in SYSTEM}

    def _with_cause(self, *causes: str) -> set[str]:
        return {task for task, end in self.ends.items() if end["cause"] in causes}

    @property
    def hits(self) -> set[str]:
        return self._with_cause("cache_hit")

    @property
    def executed(self) -> set[str]:
        """Tasks that ran, whatever came of it."""
        return self._with_cause("executed", "timed_out", "cancelled")

    @property
    def failed(self) -> set[str]:
        return {task for task, end in self.ends.items() if end["result"] == "failed"}

    @property
    def skipped(self) -> dict[str, str]:
        """Why, by task."""
        return {event["task"]: event["because_of"] for event in self.of("task_skipped")}

    @property
    def misses(self) -> dict[str, str]:
        """The reason, by task."""
        return {event["task"]: event["reason"] for event in self.of("cache_miss")}

    def messages(self, task: str, kind: str | None = None) -> list[str]:
        """The texts of the messages of a task."""
        found = self.ends[task]["messages"]
        return [message["message"] for message in found if kind is None or message["type"] == kind]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """What each task wrote, both streams as they came."""
        texts: dict[str, list[str]] = defaultdict(list)
        for event in self.of("task_output"):
            texts[event["task"]].append(event["text"])
        return {task: "".join(parts) for task, parts in texts.items()}

    def output(self, task: str) -> str:
        return self.outputs.get(task, "").rstrip("\n")

    def order(self, *kinds: str) -> list[tuple[str, str]]:
        """(type, task) of these events as they happened."""
        return [(event["type"], event["task"]) for event in self.events if event["type"] in kinds]

    def explain(self) -> str:
        """For the message of an assertion."""
        lines = [
            f"{task}: {end['cause']} {end['exit_code']} {end['messages']}" for task, end in self.ends.items()
        ]
        lines += [f"{task} skipped: {why}" for task, why in self.skipped.items()]
        lines += [f"{task} wrote: {text[-400:]}" for task, text in self.outputs.items() if text]
        return "\n".join([f"exit {self.exit_code}", *lines, self.stderr[-2000:]])


@dataclass(frozen=True, kw_only=True)
class Project:
    """A definition beside a directory `src`, which the task `code` of `WORKSPACE` brings in."""

    program: Program
    base: str
    directory: Path = field(default=Path())

    def copy(self, directory: Path) -> Project:
        """Another checkout: the same program and store, other files."""
        (directory / "src").mkdir(parents=True)
        return Project(program=self.program, base=self.base, directory=directory)

    @property
    def source(self) -> Path:
        return self.directory / "src"

    def write(self, path: str, text: str = "") -> Path:
        """A file below `src`."""
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def define(self, tasks: str, *, head: str = "", name: str = "outcrop.yml") -> Path:
        """Writes a definition with these tasks over the busybox base."""
        path = self.directory / name
        lines = [f"base: {self.base}", dedent(head), "tasks:", dedent(tasks).strip("\n")]
        path.write_text("\n".join(line for line in lines if line) + "\n")
        return path

    def __call__(self, *arguments: str, timeout: float = 100, **more: Any) -> Finished:
        return self.program(*arguments, cwd=self.directory, timeout=timeout, **more)

    def run(self, *arguments: str, **more: Any) -> Seen:
        """`outcrop run --progress json`."""
        return Seen(finished=self("run", "--progress", "json", *arguments, **more))

    def passes(self, *arguments: str, **more: Any) -> Seen:
        """A run that must succeed."""
        seen = self.run(*arguments, **more)
        assert seen.exit_code == 0, seen.explain()
        return seen

    def why(self, task: str) -> dict[str, Any]:
        """`outcrop why --json` of the last run."""
        answer: dict[str, Any] = self("why", task, "--json").json
        return answer

    def changes(self, task: str) -> set[tuple[str, str, str]]:
        """(part, name, change) of everything that `outcrop why` names."""
        return {(change["part"], change["name"], change["change"]) for change in self.why(task)["changes"]}

    def results(self, *arguments: str) -> dict[str, Any]:
        """`outcrop results --json` of the last run."""
        answer: dict[str, Any] = self("results", "--json", *arguments).json
        return answer

    def log(self, task: str, *arguments: str) -> bytes:
        """The log, byte for byte."""
        return self("logs", task, *arguments).stdout.encode("utf-8", "surrogateescape")

    def entry_file(self, cache_key: str) -> Path:
        """Where the store keeps the result of a task."""
        return self.program.store / "entries-v1" / cache_key[:2] / cache_key / "entry.json"


WORKSPACE = "- {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}"


def project_of(program: Program, root: Path) -> Project:
    """The project of the program's own directory, over the root filesystem at `root`."""
    (program.project / "src").mkdir()
    base = json.dumps({"image": f"rootfs:{root}", "config": "none"})
    return Project(program=program, base=base, directory=program.project)


def processes_with(mark: str) -> Iterable[int]:
    """The processes of this machine that have `mark` among their arguments."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                yield int(name)
