"""What a package may not do (reference §18): reserved keys, embedded runs, the place of `package.use`."""

from __future__ import annotations

from engine.definition.document import Document
from engine.definition.suggestions import one_of
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Scalar, flatten


def check_package(document: Document) -> None:
    """Report what is wrong with a local or published package as a whole."""
    if document.kind == "run":
        return
    problems, root = document.check.problems, document.root
    mark = root.get("package")
    if document.kind == "local-package" and isinstance(mark, Mapping):
        visibility = mark.get("visibility")
        if isinstance(visibility, Scalar) and visibility.text == "public":
            message = "a package with `visibility: public` is a directory with a file `rwx-package.yml`"
            problems.error("bad-package", visibility, message, "write `visibility: local`")
        elif isinstance(visibility, Scalar) and visibility.kind != "null" and visibility.text != "local":
            problems.error(
                "bad-package",
                visibility,
                f"`visibility` cannot be `{visibility.text}`",
                one_of(visibility.text, ("local",)),
            )
    if isinstance(mark, Mapping) and "parameters" in mark.entries and "parameters" in root.entries:
        message = "`parameters` stands both in `package` and at the top level"
        problems.error("bad-package", root.key("parameters"), message, "keep those in `package`")
    outputs = (mark if isinstance(mark, Mapping) else root).get("outputs")
    listed = (
        outputs.get("values-from") if document.kind == "package" and isinstance(outputs, Mapping) else None
    )
    for item in flatten(listed) if listed is not None else ():
        if (
            isinstance(item, Scalar)
            and item.kind == "text"
            and item.text.split(".")[0] not in document.by_key
        ):
            hint = one_of(item.text, document.by_key)
            problems.error("unknown-task", item, f"there is no task `{item.text}`, in `values-from`", hint)
    reserves = document.kind == "local-package" or isinstance(mark, Mapping)
    for task in document.tasks:
        _check_task(task, document, reserves=reserves)


def _check_task(task: Mapping, document: Document, *, reserves: bool) -> None:
    problems = document.check.problems
    key = task.get("key")
    name = key.text if isinstance(key, Scalar) else "?"
    if form_of(task) == "embedded-run":
        message = (
            f"the task `{name}` at line {task.place.line} is an embedded run, which no package can contain"
        )
        problems.error("bad-package", document.root.place, message, "call a package instead")
    if not reserves:
        return
    if name == "package":
        problems.error(
            "bad-package",
            task.place,
            "`package` is reserved and cannot be the key of a task in a package",
            "give it another key",
        )
    use = task.get("use")
    names = [item.text for item in flatten(use) if isinstance(item, Scalar)] if use is not None else []
    if "package.use" in names[1:]:
        message = f"`package.use` must be the first entry of `use` in the task `{name}`"
        problems.error(
            "bad-package",
            task.place,
            message,
            f"write `use: [{', '.join(['package.use', *(n for n in names if n != 'package.use')])}]`",
        )
