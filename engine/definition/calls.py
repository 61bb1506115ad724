"""Checks what `call` names: packages with their parameters, and other files under `run.dir`."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingOf

from engine.definition.document import Document, kind_of, tasks_by_key
from engine.definition.file_schema import STATIC_FILE
from engine.definition.packages import (
    Package,
    PackageSearch,
    Parameter,
    declared_parameters,
    is_digest,
    read_file,
    split_call,
)
from engine.definition.suggestions import did_you_mean
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten

_LISTED_TASKS = 12
_MAXIMUM_COMPARISONS = 100_000
_EMBEDDED_KEYS = frozenset(("key", "call", "after", "if", "cache", "parallel", "auto-cancel"))


class CalledFile:
    """A file that a call names: its kind and its tasks by key."""

    __slots__ = ("by_key", "kind", "path", "root")

    def __init__(self, path: str, kind: str, root: Mapping) -> None:
        self.path = path
        self.kind = kind
        self.root = root
        self.by_key = tasks_by_key(root)


class Calls:
    """Resolves the calls of one load; every file is read once."""

    def __init__(self, run_dir: str, packages: PackageSearch) -> None:
        self._run_dir = run_dir
        self._files: dict[str, CalledFile | None] = {}
        self.packages = packages
        self._comparisons = _MAXIMUM_COMPARISONS

    def suggest(self, name: str, candidates: MappingOf[str, object]) -> str:
        """A hint with the task that was probably meant.

        After many of them without comparing, since the comparisons add up.
        """
        self._comparisons -= len(candidates)
        hint = did_you_mean(name, candidates) if self._comparisons >= 0 else None
        if hint is None and 0 < len(candidates) <= _LISTED_TASKS:
            hint = "the tasks are " + ", ".join(f"`{candidate}`" for candidate in candidates)
        return hint or "check its name"

    @property
    def files(self) -> tuple[str, ...]:
        """All files that were looked for, the missing ones too."""
        return (*self._files, *self.packages.files)

    def file(self, path: str) -> CalledFile | None:
        """A called file, or None when it is missing or no map."""
        if path not in self._files:
            root = read_file(path)
            known = CalledFile(path, kind_of(path, root), root) if isinstance(root, Mapping) else None
            self._files[path] = known
        return self._files[path]

    def static_path(self, call: Node | None) -> str | None:
        """The path of `${{ run.dir }}/FILE.yml`, or None for any other call."""
        if not isinstance(call, Scalar):
            return None
        match = STATIC_FILE.match(call.text)
        if match is None or "${{" in match["path"]:
            return None
        return os.path.normpath(os.path.join(self._run_dir, match["path"]))

    def inside(self, task: Mapping) -> dict[str, Mapping] | None:
        """The tasks inside a call, by key; None when they cannot be known from the files alone."""
        if "parallel" in task.entries:
            return None
        form = form_of(task)
        if form not in ("package", "embedded-run"):
            return {}
        call = task.get("call")
        path = self.static_path(call)
        if path is not None:
            file = self.file(path)
            return None if file is None else file.by_key
        if isinstance(call, Scalar) and (named := split_call(call.text)) is not None:
            package = self.packages.find(*named)
            if package is not None and package.root is not None:
                return tasks_by_key(package.root)
        return None


def check_calls(document: Document, calls: Calls, *, for_run: bool) -> None:
    """Report calls of packages and files that do not exist or do not fit, and circles of files."""
    checker = _Checker(document, calls, for_run=for_run)
    for task in document.tasks:
        checker.task(task)
    checker.base()
    checker.circles()


class _Checker:
    def __init__(self, document: Document, calls: Calls, *, for_run: bool) -> None:
        self._document = document
        self._problems = document.check.problems
        self._calls = calls
        self._for_run = for_run

    def task(self, task: Mapping) -> None:
        form, call = form_of(task), task.get("call")
        if (
            form not in ("package", "embedded-run")
            or not isinstance(call, Scalar)
            or call.kind in ("null", "alias")
        ):
            return
        text = call.text.strip()
        if text.startswith("${{"):
            self._file_call(task, form, call)
        elif form == "embedded-run":
            self._wrong_embedded(task, text)
        elif not is_digest(text):
            self._package_call(task, text)

    def _wrong_embedded(self, task: Mapping, text: str) -> None:
        key = task.key("call")
        if split_call(text) is not None:
            name = next(name for name in ("init", "inherit-init", "target") if name in task.entries)
            hint = "parameters of a package go into `with`" if name == "init" else f"remove `{name}`"
            self._problems.error(
                "bad-package-call",
                key,
                f"the package `{text}` is called with `{name}`, which is for run definitions",
                hint,
            )
        else:
            hint = (
                f"write `${{{{ run.dir }}}}/{text.removeprefix('./')}`"
                if text.endswith((".yml", ".yaml"))
                else "write `${{ run.dir }}/FILE.yml`"
            )
            self._problems.error(
                "bad-package-call", key, f"`{text}` is no run definition that can be called", hint
            )

    def _package_call(self, task: Mapping, text: str) -> None:
        key, problems, packages = task.key("call"), self._problems, self._calls.packages
        named = split_call(text)
        if named is None:
            words = text.split()
            versions = packages.versions(words[0]) if words and words[0].count("/") == 1 else []
            if len(words) == 1 and versions:
                problems.error(
                    "bad-package-call",
                    key,
                    f"the call of `{text}` has no version",
                    f"write `{text} {versions[-1]}`",
                )
            elif text.endswith((".yml", ".yaml")) and len(words) == 1:
                problems.error(
                    "bad-package-call",
                    key,
                    f"`{text}` is no package",
                    f"write `${{{{ run.dir }}}}/{text.removeprefix('./')}`",
                )
            else:
                reason = (
                    "has no version" if len(words) == 1 and words[0].count("/") == 1 else "is no package call"
                )
                problems.error(
                    "bad-package-call",
                    key,
                    f"`{text}` {reason}",
                    "write `namespace/name X.Y.Z`, or `${{ run.dir }}/FILE.yml`",
                )
            return
        package = self._find(named, key)
        if package is not None:
            self._check_parameters(task, f"`{package.name}`", package.parameters)

    def _find(self, named: tuple[str, str], where: Node) -> Package | None:
        name, version = named
        packages = self._calls.packages
        package = packages.find(name, version)
        if package is None:
            versions = packages.versions(name)
            if versions:
                message = f"there is no package `{name} {version}`"
                hint = "there is " + ", ".join(f"`{name} {found}`" for found in versions)
            else:
                message = f"there is no package `{name}`"
                hint = (
                    did_you_mean(name, packages.names())
                    or "put it on the search path: `--package-path DIR` or OUTCROP_PACKAGE_PATH"
                )
            self._problems.error("package-not-found", where, message, hint)
        elif package.version != version:
            message = f"`{name} {package.version}` is used, since there is no `{version}`"
            self._problems.warning("package-version", where, message, f"write `{name} {package.version}`")
        return package

    def _check_parameters(self, task: Mapping, name: str, declared: dict[str, Parameter]) -> None:
        given = task.get("with")
        if given is not None and not isinstance(given, Mapping):
            return
        where = task.key("with" if given is not None else "call")
        entries = {} if given is None else given.entries
        listed = ", ".join(_described_parameter(key, parameter) for key, parameter in declared.items())
        known = f"its parameters are {listed}" if listed else "it has no parameters"
        for parameter in entries:
            if parameter not in declared:
                hint = did_you_mean(parameter, declared) or known
                self._problems.error("bad-parameters", where, f"{name} has no parameter `{parameter}`", hint)
        missing = [key for key, parameter in declared.items() if parameter.is_required and key not in entries]
        if missing:
            shown = " and ".join(_described_parameter(key, declared[key]) for key in missing)
            plural = "s" if len(missing) > 1 else ""
            hint = "add " + " and ".join(f"`{key}`" for key in missing) + " to `with`"
            self._problems.error("bad-parameters", where, f"{name} needs the parameter{plural} {shown}", hint)

    def _file_call(self, task: Mapping, form: str, call: Scalar) -> None:
        path = self._calls.static_path(call)
        if path is None:
            self._check_dynamic(task, call)
            return
        file = self._calls.file(path)
        if file is None:
            self._missing(
                call,
                f"the called file `{path}` does not exist or cannot be read",
                "create it, or correct the path",
            )
            return
        if form == "embedded-run" and file.kind != "run":
            self._missing(
                call,
                f"`{path}` is a package, but is called as a run definition",
                "use `with` instead of `init` and `target`",
            )
        elif form == "package" and file.kind == "run":
            wrong = [name for name in task.entries if name not in _EMBEDDED_KEYS]
            if wrong:
                shown = " and ".join(f"`{name}`" for name in wrong)
                self._missing(
                    call,
                    f"`{path}` is a run definition, so its call cannot have {shown}",
                    "make it a package with `package: true`, or remove them",
                )
        elif form == "package":
            mark = file.root.get("package")
            metadata = mark if isinstance(mark, Mapping) and "parameters" in mark.entries else file.root
            self._check_parameters(task, f"`{os.path.basename(path)}`", declared_parameters(metadata))
        if form == "embedded-run" and file.kind == "run":
            self._targets(task.get("target"), file)

    def _targets(self, target: Node | None, file: CalledFile) -> None:
        for item in flatten(target) if target is not None else ():
            if isinstance(item, Scalar) and item.kind in ("text", "boolean") and item.text not in file.by_key:
                self._problems.error(
                    "unknown-task",
                    item,
                    f"`{os.path.basename(file.path)}` has no task `{item.text}`",
                    self._calls.suggest(item.text, file.by_key),
                )

    def _missing(self, where: Node, message: str, hint: str) -> None:
        report = self._problems.error if self._for_run else self._problems.warning
        report("missing-file", where, message, hint)

    def _check_dynamic(self, task: Mapping, call: Scalar) -> None:
        template = self._document.check.templates.get(id(call))
        if template is None:
            return
        if len(template.pieces) > 1 and not call.text.rstrip().endswith((".yml", ".yaml", "}}")):
            message = f"`{call.text}` names no YAML file"
            self._problems.error(
                "bad-package-call", task.key("call"), message, "write `${{ run.dir }}/FILE.yml`"
            )
        elif len(template.pieces) > 1 and call.text.rstrip().endswith("}}"):
            message = f"`{call.text}` is neither a file nor one expression"
            self._problems.error(
                "bad-package-call",
                task.key("call"),
                message,
                "write `${{ run.dir }}/FILE.yml`, or one `${{ … }}`",
            )

    def base(self) -> None:
        """`config` and `call` of `base`."""
        base = self._document.root.get("base")
        if not isinstance(base, Mapping):
            return
        config, call = base.get("config"), base.get("call")
        if (
            isinstance(config, Scalar)
            and config.kind != "null"
            and "${{" not in config.text
            and config.text not in ("none", "rwx/base")
        ):
            named = split_call(config.text)
            if named is not None:
                self._find(named, base.key("config"))
            elif config.text.strip():
                self._problems.error(
                    "bad-package-call",
                    base.key("config"),
                    f"`config` cannot be `{config.text}`",
                    "write `none`, or `namespace/name X.Y.Z`",
                )
        path = self._calls.static_path(call)
        if path is None or call is None:
            return
        file = self._calls.file(path)
        if file is None:
            self._missing(
                call,
                f"the called file `{path}` does not exist or cannot be read",
                "create it, or correct the path",
            )
        elif file.kind != "run":
            self._missing(
                call,
                f"`{path}` is a package, but a base comes from a run definition",
                "name a run definition",
            )
        else:
            self._targets(base.get("target"), file)

    def circles(self) -> None:
        """Files that call each other in a circle, reported at the call in this file."""
        own = os.path.realpath(self._document.path)
        known: dict[str, list[str] | None] = {}
        for call in self._called_nodes(self._document.root):
            path = self._calls.static_path(call)
            if path is None:
                continue
            if path not in known:
                known[path] = self._way_back(path, own)
            circle = known[path]
            if circle is not None:
                shown = " → ".join(f"`{os.path.basename(file)}`" for file in (own, *circle))
                self._problems.error(
                    "cycle",
                    call,
                    f"these files call each other in a circle: {shown}",
                    "a run definition cannot call itself",
                )

    def _way_back(self, path: str, own: str) -> list[str] | None:
        before: dict[str, str | None] = {path: None}
        waiting = [path]
        for current in waiting:
            if os.path.realpath(current) == own:
                chain: list[str] = []
                step: str | None = current
                while step is not None:
                    chain.append(step)
                    step = before[step]
                return chain[::-1]
            file = self._calls.file(current)
            for call in self._called_nodes(file.root) if file is not None else ():
                following = self._calls.static_path(call)
                if following is not None and following not in before:
                    before[following] = current
                    waiting.append(following)
        return None

    def _called_nodes(self, root: Mapping) -> list[Node]:
        base, tasks = root.get("base"), root.get("tasks")
        maps = [base, *(flatten(tasks) if tasks is not None else ())]
        return [call for node in maps if isinstance(node, Mapping) and (call := node.get("call")) is not None]


def _described_parameter(name: str, parameter: Parameter) -> str:
    return f"`{name}` ({parameter.description})" if parameter.description else f"`{name}`"
