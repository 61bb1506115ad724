"""Run definitions that change at random: every kind of task that takes in files, and what connects them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

FOLDERS = ("a", "b", "c")
_NAMES = tuple(f"t{number}" for number in range(14))
_MOST_TASKS = 8
_FILTERS: tuple[list[Any] | None, ...] = (
    None,
    [],
    ["a", "src/a"],
    ["b/**", "src/b/**"],
    ["**/f1", "c"],
    ["!a", "!src/a"],
    ["*", "!**/f2"],
    ["made-*"],
    ["*/"],
)
_EXCLUDING: list[Any] = ["a", {"path": "b", "cache-key": "excluded"}]
_BLIND = ("sha", "mode", "failed")  # kinds that say nothing of files
_LISTING = (
    'find . | sort | while IFS= read -r f; do stat -c "%n %F %a" "$f"; readlink "$f" || true;'
    ' if test -f "$f"; then cat "$f"; fi; done'
)


class RandomDefinition:
    """`text` is a definition that is in order; each of `steps` makes it another one."""

    def __init__(self, random: Random, base: str, tasks: int = 5) -> None:
        self._random = random
        self._base = base
        self._mode = "x"
        self._packages = ["code"]
        self._tasks: list[dict[str, Any]] = []
        for _ in range(tasks):
            self.add_task()

    @property
    def steps(self) -> tuple[Any, ...]:
        """Methods that change one thing."""
        return (
            self.add_task,
            self.remove_task,
            self.rename_task,
            self.change_script,
            self.change_filter,
            self.change_use,
            self.change_mode,
            self.move_task,
            self.add_or_remove_clone,
        )

    @property
    def text(self) -> str:
        """The file."""
        lines = [f"base: {self._base}", "on:", "  cli:", "    init:", f"      mode: {self._mode}"]
        lines += ["      sha: ${{ event.git.sha }}", "tasks:"]
        lines += ["- {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}"]
        if "clone" in self._packages:
            lines += ["- {key: clone, call: git/clone 1.0.0, with: {repository: ., ref: HEAD}}"]
        lines += [f"- {json.dumps(self._described(task))}" for task in self._tasks]
        return "\n".join(lines) + "\n"

    def add_task(self) -> None:
        """At the end."""
        free = [name for name in _NAMES if name not in [task["key"] for task in self._tasks]]
        if len(self._tasks) >= _MOST_TASKS or not free:
            self.remove_task()
            return
        random = self._random
        kinds = ("list", "make", "system", "fail", "value", "read", "failed", "mode", "sha", "after")
        task = {
            "key": random.choice(free),
            "kind": random.choice(kinds),
            "filter": None,
            "salt": random.randrange(3),
            "is_slow": random.random() < 0.3,
            "is_cached": random.random() < 0.9,
        }
        self._tasks.append(task)
        self._filter(task)
        self._connect(task)

    def remove_task(self) -> None:
        """And whatever names it names another one."""
        if len(self._tasks) < 2:
            return
        self._tasks.remove(self._random.choice(self._tasks))
        self._mend()

    def rename_task(self) -> None:
        """What names it goes on naming it, or not."""
        task = self._random.choice(self._tasks)
        free = [name for name in _NAMES if name not in [task["key"] for task in self._tasks]]
        before, task["key"] = task["key"], self._random.choice(free)
        if self._random.random() < 0.7:
            for other in self._tasks:
                other["use"] = [task["key"] if used == before else used for used in other["use"]]
                other["of"] = task["key"] if other["of"] == before else other["of"]
        self._mend()

    def change_script(self) -> None:
        """Or how long it takes."""
        task = self._random.choice(self._tasks)
        task["salt"] += 1
        task["is_slow"] = self._random.random() < 0.3

    def change_filter(self) -> None:
        self._filter(self._random.choice(self._tasks))

    def change_use(self) -> None:
        self._connect(self._random.choice(self._tasks))

    def change_mode(self) -> None:
        """An init parameter."""
        self._mode = "y" if self._mode == "x" else "x"

    def move_task(self) -> None:
        """Nothing but the order of the file."""
        self._random.shuffle(self._tasks)
        self._mend()

    def add_or_remove_clone(self) -> None:
        if "clone" in self._packages:
            self._packages.remove("clone")
        else:
            self._packages.append("clone")
        self._mend()

    def _filter(self, task: dict[str, Any]) -> None:
        filters = (*_FILTERS, _EXCLUDING) if task["kind"] in _BLIND else _FILTERS
        task["filter"] = self._random.choice(filters)

    def _before(self, task: dict[str, Any]) -> list[str]:
        """Only tasks above it, so that nothing waits for itself."""
        return [other["key"] for other in self._tasks[: self._tasks.index(task)]]

    def _connect(self, task: dict[str, Any]) -> None:
        above = self._before(task)
        random = self._random
        used = [random.choice(self._packages)] if random.random() < 0.6 else []
        used += random.sample(above, min(len(above), random.randrange(3)))
        task["use"] = used
        task["of"] = random.choice(above) if above else None

    def _mend(self) -> None:
        for task in self._tasks:
            known = {*self._packages, *self._before(task)}
            if not known.issuperset(task["use"]) or task["of"] not in known:
                self._connect(task)

    def _described(self, task: dict[str, Any]) -> dict[str, Any]:
        key, kind, salt, other = task["key"], task["kind"], task["salt"], task["of"]
        made: dict[str, Any] = {"key": key}
        if task["use"]:
            made["use"] = task["use"] if len(task["use"]) > 1 else task["use"][0]
        if task["filter"] is not None:
            made["filter"] = task["filter"]
        if not task["is_cached"]:
            made["cache"] = False
        script = [f"echo {key} {salt}"]
        if task["is_slow"]:
            script.append("sleep 0.3")
        match kind:
            case "list":
                script.append(_LISTING)
            case "make":
                script.append(f"cat a/* src/a/* > made-{key} 2>/dev/null || true; mkdir -p out/{key}")
                script.append(f"rm -rf b/f1; echo {salt} > out/{key}/f")
            case "system":
                script.append(f"mkdir -p /opt; cat b/* > /opt/{key} 2>/dev/null || true")
            case "fail":
                script.append("! grep -rq bad .")
            case "value":
                script.append("find . -type f | wc -l > $RWX_VALUES/count; ls /opt || true")
                script.append(f"ls a b c > $RWX_ENV/SEEN_{key} 2>/dev/null || true")
            case "read":
                if other is not None:
                    made["env"] = {"COUNT": f"${{{{ tasks.{other}.values?.count }}}}"}
                script.append("echo $COUNT; env | grep SEEN_ | sort || true; cat /opt/* || true")
            case "failed":
                if other is not None:
                    made["after"] = f"${{{{ {other}.failed || {other}.skipped }}}}"
            case "mode":
                made["if"] = "${{ init.mode == 'x' }}"
            case "sha":
                made["env"] = {"SHA": "${{ init.sha }}"}
                script.append("echo $SHA")
            case "after":
                if other is not None:
                    made["after"] = other
                script.append("ls c | wc -l > /count || true")
        made["run"] = "\n".join(script)
        return made
