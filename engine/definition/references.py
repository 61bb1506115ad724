"""Checks what templates refer to: contexts, members, functions, patterns and tasks (reference §21)."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from engine.definition.calls import Calls
from engine.definition.checking import TemplateUse, expressions_of
from engine.definition.document import Document
from engine.definition.mentions import Chain, literal_text, mentions
from engine.definition.packages import declared_parameters
from engine.definition.parallel_schema import parallel_names
from engine.definition.patterns import problem_with_pattern
from engine.definition.scopes import CONTEXTS, FUNCTIONS, SECRET_CONTEXTS, STATUSES
from engine.definition.suggestions import did_you_mean, one_of
from engine.definition.task_paths import Unknown, resolve
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten
from engine.model.expression import Binary, Call

_RUN_MEMBERS = ("dir", "mint-dir", "id")
_TASK_MEMBERS = ("attempt-number", "otel")
_OTEL_MEMBERS = ("trace-id", "span-id")
_LEAVES = ("values", "artifacts", "id", *STATUSES)


_EXAMPLES = {
    "run": "id",
    "task": "attempt-number",
    "tasks": "KEY.values.NAME",
    "parallel": "index",
    "event": "git.branch",
}


class TaskMention:
    """A task that a template mentions, by its path.

    `asks`: `values`, `artifacts`, `id` or `status`. `decides`: in the task's own `if` or `after`.
    """

    __slots__ = ("asks", "decides", "label", "node", "path")

    def __init__(self, path: tuple[str, ...], asks: str, node: Node, label: str, *, decides: bool) -> None:
        self.path = path
        self.asks = asks
        self.node = node
        self.label = label
        self.decides = decides


def check_references(document: Document, calls: Calls) -> dict[int, list[TaskMention]]:
    """Report what does not exist; gives the mentions of tasks by the identity of the task's map."""
    checker = _Checker(document, calls)
    for use in document.check.uses:
        checker.check(use)
    return checker.mentioned


class _Checker:
    def __init__(self, document: Document, calls: Calls) -> None:
        self._problems = document.check.problems
        self._calls = calls
        self._tasks = document.by_key
        self._is_package = document.kind != "run"
        mark = document.root.get("package")
        metadata = mark if isinstance(mark, Mapping) and "parameters" in mark.entries else document.root
        self._parameters = declared_parameters(metadata) if self._is_package else {}
        self.mentioned: dict[int, list[TaskMention]] = {}

    def check(self, use: TemplateUse) -> None:
        """Look at everything that one template mentions."""
        for expression in expressions_of(use.template):
            for found in mentions(expression):
                match found:
                    case Chain():
                        self._chain(found, use)
                    case Call(function, arguments):
                        self._call(function, len(arguments), use)
                    case Binary():
                        self._pattern(found, use)

    def _error(self, rule: str, use: TemplateUse, message: str, hint: str | None = None) -> None:
        self._problems.error(rule, use.node, f"{message}, in {use.label}", hint)

    def _call(self, function: str, count: int, use: TemplateUse) -> None:
        expected = FUNCTIONS.get(function)
        if expected is None:
            self._error(
                "unknown-function", use, f"there is no function `{function}`", one_of(function, FUNCTIONS)
            )
        elif count != expected:
            takes = "one argument" if expected == 1 else f"{expected} arguments"
            example = "date('%Y-%m-%d')" if function == "date" else f"{function}(init.branch, 'release')"
            self._error(
                "unknown-function",
                use,
                f"`{function}` takes {takes}, not {count}",
                f"write for example `{example}`",
            )

    def _pattern(self, comparison: Binary, use: TemplateUse) -> None:
        pattern = literal_text(comparison.right)
        problem = None if pattern is None else problem_with_pattern(pattern)
        if problem is not None:
            self._error("bad-regex", use, problem, "patterns have the syntax of Python's `re`")

    def _chain(self, chain: Chain, use: TemplateUse) -> None:
        root = chain.root
        if root not in CONTEXTS:
            if use.scope.statuses:
                self._bare_status(chain, use)
            elif root in self._tasks:
                self._error(
                    "unknown-context", use, f"`{root}` is a task, not a context", f"write `tasks.{chain}`"
                )
            else:
                self._unknown_context(root, use)
            return
        if (
            use.scope.statuses
            and root in self._tasks
            and chain.members[:1] in {(status,) for status in STATUSES}
        ):
            message = f"`{chain}` means the context `{root}`, not the task of this name"
            self._problems.warning("shadowed-name", use.node, message, f"write `tasks.{chain}`")
        if not self._is_available(root, use):
            return
        if not chain.members:
            self._error(
                "unknown-member",
                use,
                f"`{root}` is a map and has no text form",
                f"name a member, such as `{root}.{_EXAMPLES.get(root, 'NAME')}`",
            )
        elif root == "tasks":
            self._tasks_chain(chain, use)
        elif chain.members and chain.members[0] is not None and not chain.is_optional_at(0):
            self._member(chain, use)
        if root in SECRET_CONTEXTS and use.scope.name == "a script" and "vars" not in chain.members:
            message = f"the secret `{chain}` becomes part of the script"
            self._problems.warning("secret-in-run", use.node, message, "pass it through `env`")

    def _unknown_context(self, root: str, use: TemplateUse) -> None:
        available = sorted(name for name in use.scope.contexts if self._why_not(name, use) is None)
        self._error("unknown-context", use, f"there is no context `{root}`", one_of(root, available))

    def _is_available(self, root: str, use: TemplateUse) -> bool:
        reason = self._why_not(root, use)
        if reason is not None:
            self._error("misplaced-context", use, f"`{root}` is not available here: {reason[0]}", reason[1])
        return reason is None

    def _why_not(self, root: str, use: TemplateUse) -> tuple[str, str] | None:
        if root == "params" and not self._is_package:
            return "only packages have parameters", "write `init.NAME` for a parameter of the run"
        if root == "init" and self._is_package:
            return "a package sees only its own parameters", "declare a parameter, and write `params.NAME`"
        if root in SECRET_CONTEXTS and self._is_package:
            return "a package sees only its own parameters", "pass the secret in `with`"
        if root not in use.scope.contexts:
            if root == "event":
                return "only `on` sees the event", "pass it as an init parameter: `on.cli.init`"
            if root in SECRET_CONTEXTS:
                return (
                    f"{use.scope.name} cannot use secrets",
                    "secrets can be used in `env`, `with` and `init`",
                )
            names = ", ".join(f"`{name}`" for name in sorted(use.scope.contexts))
            return f"{use.scope.name} cannot use it", f"what can be used there: {names}"
        if root == "tasks" and use.owner is None and use.scope.name != "package outputs":
            return "this place belongs to no task", "write it in a task"
        if root == "task" and use.owner is None:
            return "this place belongs to no task", "write it in a task"
        if root == "parallel" and (use.owner is None or "parallel" not in use.owner.entries):
            return "the task has no `parallel`", "add `parallel` to the task"
        return None

    def _member(self, chain: Chain, use: TemplateUse) -> None:
        name = chain.members[0]
        assert name is not None
        if chain.root == "run":
            self._one_of(name, _RUN_MEMBERS, chain, use)
            self._is_text(chain, 1, use)
        elif chain.root == "task":
            self._one_of(name, _TASK_MEMBERS, chain, use)
            if name == "otel" and len(chain.members) > 1 and chain.members[1] is not None:
                self._one_of(chain.members[1], _OTEL_MEMBERS, chain, use)
            self._is_text(chain, 2 if name == "otel" else 1, use)
        elif chain.root == "params" and name not in self._parameters:
            known = ", ".join(f"`{parameter}`" for parameter in self._parameters)
            hint = did_you_mean(name, self._parameters) or (
                f"the parameters are {known}" if known else "declare it in `parameters`"
            )
            self._error("unknown-member", use, f"the parameter `{name}` is not declared", hint)
        elif chain.root == "parallel" and use.owner is not None:
            names = parallel_names(use.owner.get("parallel"))
            if names is not None:
                self._one_of(name, tuple(sorted(names)), chain, use)

    def _is_text(self, chain: Chain, length: int, use: TemplateUse) -> None:
        """Members beyond the given length would be members of a text."""
        if len(chain.members) > length:
            whole = ".".join((chain.root, *(member or "[…]" for member in chain.members[:length])))
            self._error("unknown-member", use, f"`{whole}` is text and has no members", f"write `{whole}`")

    def _one_of(self, name: str, names: tuple[str, ...], chain: Chain, use: TemplateUse) -> None:
        if name not in names:
            self._error("unknown-member", use, f"`{chain.root}` has no member `{name}`", one_of(name, names))

    def _bare_status(self, chain: Chain, use: TemplateUse) -> None:
        members = [chain.root]
        for position, member in enumerate(chain.members):
            if member is None:
                return
            if member in STATUSES:
                self._mention(tuple(members), "status", chain.is_optional_at(position), use)
                return
            members.append(member)
        if chain.root not in self._tasks:
            rule = "unknown-task" if chain.members else "unknown-context"
            what = "task" if chain.members else "task or context"
            self._error(
                rule,
                use,
                f"there is no {what} `{chain.root}`",
                did_you_mean(chain.root, use.scope.contexts) or self._calls.suggest(chain.root, self._tasks),
            )
        elif not chain.members:
            self._error(
                "unknown-member",
                use,
                f"`{chain.root}` is a task, not a condition",
                f"write `{chain.root}.succeeded`",
            )
        elif chain.members[0] in _LEAVES:
            self._error(
                "unknown-member",
                use,
                f"only the status of a task can be asked for as `{chain}`",
                f"write `tasks.{chain}`",
            )
        else:
            last = str(chain.members[-1])
            self._error(
                "unknown-member",
                use,
                f"`{last}` is no status of the task `{'.'.join(members[:-1])}`",
                one_of(last, STATUSES),
            )

    def _tasks_chain(self, chain: Chain, use: TemplateUse) -> None:
        path: list[str] = []
        position, members = 0, chain.members
        while position < len(members):
            member = members[position]
            if member is None:
                return
            if path and member in _LEAVES:
                self._leaf(chain, position, tuple(path), use)
                return
            if not (path and member == "tasks"):
                if path and not self._has_inside(tuple(path)):
                    names = (*_LEAVES, "tasks")
                    self._error(
                        "unknown-member",
                        use,
                        f"`{member}` is no member of the task `{'.'.join(path)}`",
                        one_of(member, names),
                    )
                    return
                path.append(member)
            position += 1
        task = self._mention(tuple(path), "id", chain.is_optional_at(len(members) - 1), use)
        if task is not None:
            message = f"`{chain}` is a map and has no text form"
            self._error("unknown-member", use, message, f"name a member, such as `{chain}.values.NAME`")

    def _has_inside(self, path: tuple[str, ...]) -> bool:
        task = resolve(path, self._tasks, self._calls)
        if isinstance(task, Unknown) or task is None:
            return True
        return "parallel" in task.entries or form_of(task) in ("package", "embedded-run")

    def _leaf(self, chain: Chain, position: int, path: tuple[str, ...], use: TemplateUse) -> None:
        asks = chain.members[position]
        assert asks is not None
        task = self._mention(
            path, "status" if asks in STATUSES else asks, chain.is_optional_at(position - 1), use
        )
        following = chain.members[position + 1] if position + 1 < len(chain.members) else None
        if asks not in ("values", "artifacts"):
            self._is_text(chain, position + 1, use)
        elif position + 1 == len(chain.members):
            message = f"`{chain}` is a map and has no text form"
            self._error("unknown-member", use, message, f"name a member, such as `{chain}.NAME`")
        elif following is not None:
            self._is_text(chain, position + 2, use)
        if (
            asks == "artifacts"
            and following is not None
            and task is not None
            and form_of(task) == "command"
            and "parallel" not in task.entries
        ):
            declared = _artifact_keys(task)
            if following not in declared:
                message = f"the task `{'.'.join(path)}` does not declare the artifact `{following}`"
                hint = (
                    did_you_mean(following, declared)
                    or "add it to `outputs.artifacts`, or write it to `$RWX_ARTIFACTS`"
                )
                self._problems.warning("unknown-artifact", use.node, message, hint)

    def _mention(
        self, path: tuple[str, ...], asks: str, is_optional: bool, use: TemplateUse
    ) -> Mapping | None:
        task = resolve(path, self._tasks, self._calls)
        if isinstance(task, Unknown):
            if not is_optional:
                self._error("unknown-task", use, task.message, task.hint)
            return None
        if use.owner is not None:
            self.mentioned.setdefault(id(use.owner), []).append(
                TaskMention(path, asks, use.node, use.label, decides=use.scope.statuses)
            )
        return task


def _artifact_keys(task: Mapping) -> MappingOf[str, None]:
    outputs = task.get("outputs")
    artifacts = outputs.get("artifacts") if isinstance(outputs, Mapping) else None
    keys = (
        [item.get("key") for item in flatten(artifacts) if isinstance(item, Mapping)]
        if artifacts is not None
        else []
    )
    return {key.text: None for key in keys if isinstance(key, Scalar)}
