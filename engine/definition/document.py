"""One file, checked: its shape, its tasks by name, and every template with the task it belongs to."""

from __future__ import annotations

import os

from engine.definition.checking import Check
from engine.definition.file_schema import (
    LOCAL_PACKAGE,
    PUBLISHED_PACKAGE_1,
    PUBLISHED_PACKAGE_2,
    RUN_DEFINITION,
)
from engine.definition.problems import Problems
from engine.definition.schema import Map
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, described, flatten
from engine.definition.yaml_reader import decode, read_yaml


class Document:
    """A file after checking: `kind` is `run`, `local-package` or `package`, `tasks` the maps of its tasks."""

    def __init__(self, path: str, kind: str, text: str, root: Mapping, check: Check) -> None:
        self.path = path
        self.kind = kind
        self.text = text
        self.root = root
        self.check = check
        self.tasks: list[Mapping] = []
        self.by_key: dict[str, Mapping] = {}


def check_document(path: str, data: bytes, problems: Problems) -> Document | None:
    """Check the shape of a file; None when it is no YAML map."""
    text = decode(data, problems)
    if text is None:
        return None
    root = read_yaml(text, problems)
    if root is None:
        if not problems.has_errors:
            problems.error("missing-tasks", Node(1, 1, 0), "the file is empty", "a definition needs `tasks`")
        return None
    if not isinstance(root, Mapping):
        if root.kind != "alias":
            problems.error(
                "missing-tasks", root, f"a definition must be a map with `tasks`, not {described(root)}"
            )
        return None
    kind = kind_of(path, root)
    check = Check(problems, text)
    document = Document(path, kind, text, root, check)
    _schema_for(kind, root).check(root, "the file", check)
    if "tasks" not in root.entries:
        problems.error(
            "missing-tasks", root.place, "there is no `tasks`", "add `tasks` with at least one task"
        )
    _collect_tasks(document, problems)
    return document


def check_file(document: Document, *, for_run: bool) -> None:
    """What a run definition needs as a whole: a base, and to be no package when it is run."""
    problems, root = document.check.problems, document.root
    if for_run and document.kind != "run":
        where = root.key("package") if "package" in root.entries else root.place
        problems.error(
            "not-a-run",
            where,
            "this file is a package and cannot be run itself",
            "call it from a run definition",
        )
    needs_base = document.kind == "run" and any(form_of(task) != "embedded-run" for task in document.tasks)
    if needs_base and "base" not in root.entries:
        report = problems.error if for_run else problems.warning
        report("missing-base", root.place, "there is no `base`", 'add `base: {image: "host:", config: none}`')
    for key, task in document.by_key.items():
        if key.startswith("-"):
            problems.warning(
                "leading-dash",
                task.entries["key"][1],
                f"the key `{key}` begins with `-`",
                "command lines take it for an option",
            )


def kind_of(path: str, root: Mapping) -> str:
    """What a file is: `package` by its name, `local-package` by its `package` key, else `run`."""
    if os.path.basename(path) == "rwx-package.yml":
        return "package"
    mark = root.get("package")
    if isinstance(mark, Mapping) or (
        isinstance(mark, Scalar) and mark.kind == "boolean" and mark.text == "true"
    ):
        return "local-package"
    return "run"


def tasks_by_key(root: Mapping) -> dict[str, Mapping]:
    """The tasks of a file by key, of those that have one; the first of several with one key."""
    tasks = root.get("tasks")
    found: dict[str, Mapping] = {}
    for task in flatten(tasks) if tasks is not None else ():
        key = task.get("key") if isinstance(task, Mapping) else None
        if isinstance(task, Mapping) and isinstance(key, Scalar) and key.kind in ("text", "boolean"):
            found.setdefault(key.text, task)
    return found


def _schema_for(kind: str, root: Mapping) -> Map:
    if kind == "run":
        return RUN_DEFINITION
    if kind == "local-package":
        return LOCAL_PACKAGE
    return PUBLISHED_PACKAGE_2 if isinstance(root.get("package"), Mapping) else PUBLISHED_PACKAGE_1


def _collect_tasks(document: Document, problems: Problems) -> None:
    tasks = document.root.get("tasks")
    if tasks is None or tasks.kind != "list":
        return
    for task in flatten(tasks):
        if not isinstance(task, Mapping):
            continue
        key = task.get("key")
        if form_of(task) is not None:
            document.tasks.append(task)
        if not isinstance(key, Scalar) or key.kind not in ("text", "boolean"):
            continue
        first = document.by_key.get(key.text)
        if first is not None:
            message = f"the task `{key.text}` is already defined at line {first.place.line}"
            problems.error("duplicate-task", task.key("key"), message, "give it another key")
        else:
            document.by_key[key.text] = task
