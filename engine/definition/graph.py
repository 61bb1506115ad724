"""The order of tasks: unknown names, circles, and what each task waits for (reference §6, §7)."""

from __future__ import annotations

from engine.definition.calls import Calls
from engine.definition.document import Document
from engine.definition.literals import task_path
from engine.definition.references import TaskMention
from engine.definition.suggestions import one_of
from engine.definition.task_paths import Unknown, resolve
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten
from engine.model.run_definition import Dependencies

_SHOWN = 12
_REACH_LIMIT = 20_000  # tasks up to which the closure of `use` is computed


class Edge:
    """A task waits for another: `kind` is how it says so, `node` where."""

    __slots__ = ("kind", "node", "target")

    def __init__(self, target: str, kind: str, node: Node) -> None:
        self.target = target
        self.kind = kind
        self.node = node


class Graph:
    """The tasks of a file and what they wait for."""

    def __init__(self, document: Document, calls: Calls, mentioned: dict[int, list[TaskMention]]) -> None:
        self._document = document
        self._calls = calls
        self._mentioned = mentioned
        self._problems = document.check.problems
        self._tasks = document.by_key
        self._uses: dict[str, list[tuple[str, Node]]] = {}
        self._after: dict[str, list[str]] = {}
        self._edges: dict[str, list[Edge]] = {key: [] for key in document.by_key}
        self._position = {key: position for position, key in enumerate(document.by_key)}

    def check(self) -> None:
        """Report unknown names, circles, repeated and misordered `use`, filters without input."""
        for key, task in self._tasks.items():
            self._task(key, task)
        self._targets()
        self._circles()
        self._use_order()
        for key, task in self._tasks.items():
            self._inherit(key, task)

    def dependencies(self, key: str) -> Dependencies:
        """What a task waits for, in the order of the file (reference §6)."""
        mentioned = self._mentioned.get(id(self._tasks[key]), ())
        asked = [mention.path for mention in mentioned if mention.asks == "status" and mention.decides]
        needed = {target for target, _ in self._uses.get(key, ())} | set(self._after.get(key, ()))
        waited: set[str] = set()
        for mention in mentioned:
            decides = mention.asks in ("values", "artifacts") and not any(
                mention.path[: len(path)] == path for path in asked
            )
            (needed if decides else waited).add(mention.path[0])
        waited -= needed
        return Dependencies(must_succeed=self._in_order(needed), must_finish=self._in_order(waited))

    def _in_order(self, keys: set[str]) -> tuple[str, ...]:
        return tuple(sorted(keys, key=self._position.__getitem__)) if len(keys) > 1 else tuple(keys)

    def _task(self, key: str, task: Mapping) -> None:
        edges = self._edges[key]
        seen: set[str] = set()
        uses = self._uses.setdefault(key, [])
        for node in _names(task.get("use") if form_of(task) != "embedded-run" else None):
            if node.text in seen:
                self._problems.warning(
                    "use-order", node, f"`{node.text}` is listed twice in `use`", "remove one of them"
                )
                continue
            seen.add(node.text)
            if self._is_package_use(node) or (target := self._named(node, "use")) is None:
                continue
            uses.append((target, node))
            edges.append(Edge(target, "use", node))
        after = task.get("after")
        if not (isinstance(after, Scalar) and "${{" in after.text):
            for node in _names(after):
                target = self._named(node, "after")
                if target is not None:
                    self._after.setdefault(key, []).append(target)
                    edges.append(Edge(target, "after", node))
        for mention in self._mentioned.get(id(task), ()):
            if mention.path[0] in self._tasks:
                edges.append(Edge(mention.path[0], mention.label.strip("`"), mention.node))
        self._mounts(task, edges)
        self._processes(task)
        self._filter_without_input(task)

    def _named(self, node: Scalar, label: str) -> str | None:
        """The task of this file that a path starts with; None, with a problem, when it names nothing."""
        path = tuple(node.text.split("."))
        task = resolve(path, self._tasks, self._calls)
        if isinstance(task, Unknown):
            hint = task.hint
            if path == ("package", "use"):
                hint = "`package.use` is for packages" if label == "use" else "`package.use` goes into `use`"
            self._problems.error("unknown-task", node, f"{task.message}, in `{label}`", hint)
            return None
        if label == "use":
            self._usable(node, path, task)
        return path[0]

    def _usable(self, node: Scalar, path: tuple[str, ...], task: Mapping | None) -> None:
        outer = self._tasks[path[0]]
        if (task is not None and form_of(task) == "embedded-run") or form_of(outer) == "embedded-run":
            message = f"`{node.text}` is an embedded run, nothing can be inherited from it"
            self._problems.error("unknown-task", node, message, "pass its artifacts, and name it in `after`")
        elif task is not None and form_of(task) == "app":
            self._problems.error(
                "unknown-task",
                node,
                f"`{node.text}` is an app task, nothing can be inherited from it",
                "remove it from `use`",
            )
        elif len(path) > 1 and "parallel" in outer.entries:
            self._problems.error(
                "unknown-task",
                node,
                f"`{node.text}` names a subtask of the group `{path[0]}`",
                f"write `{path[0]}`",
            )

    def _is_package_use(self, node: Scalar) -> bool:
        return (
            node.text == "package.use"
            and self._document.kind != "run"
            and "package" in self._document.root.entries
        )

    def _inherit(self, key: str, task: Mapping) -> None:
        """`env-config.inherit` names only tasks that are used, directly or through others."""
        config = task.get("env-config")
        inherit = config.get("inherit") if isinstance(config, Mapping) else None
        if inherit is None or inherit.kind != "list":
            return
        used = self._all_used(key)
        for node in _names(inherit):
            if (
                node.text == "package.use"
                or (target := self._named(node, "inherit")) is None
                or target in used
            ):
                continue
            message = f"`{node.text}` is not used by this task, so nothing can be inherited from it"
            self._problems.error(
                "unknown-task", node, message, f"add `{node.text}` to `use`, or remove it here"
            )

    def _all_used(self, key: str) -> set[str]:
        found: set[str] = set()
        waiting = [key]
        while waiting:
            for target, _ in self._uses.get(waiting.pop(), ()):
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return found

    def _mounts(self, task: Mapping, edges: list[Edge]) -> None:
        mounts = task.get("mounts")
        for mount in flatten(mounts) if mounts is not None else ():
            source = mount.get("from") if isinstance(mount, Mapping) else None
            if (
                isinstance(source, Scalar)
                and source.kind in ("text", "boolean")
                and (target := self._named(source, "from")) is not None
            ):
                edges.append(Edge(target, "mounts", source))

    def _filter_without_input(self, task: Mapping) -> None:
        base = self._document.root.get("base")
        node = task.get("filter")
        if self._document.kind == "package" and not isinstance(self._document.root.get("package"), Mapping):
            return  # tasks of a version 1 package start from everything that the call uses
        if node is None or "use" in task.entries or (isinstance(base, Mapping) and "call" in base.entries):
            return
        if isinstance(node, Mapping):
            node = node.get("workspace")
        if node is not None and node.kind == "list" and next(flatten(node), None) is not None:
            message = "`filter` has nothing to select from, since the task uses no other task"
            self._problems.warning("bad-filter", node, message, "add `use`, or remove `filter`")

    def _processes(self, task: Mapping) -> None:
        processes = task.get("background-processes")
        if processes is None:
            return
        by_key = {
            name.text: item
            for item in flatten(processes)
            if isinstance(item, Mapping) and isinstance(name := item.get("key"), Scalar)
        }
        edges: dict[str, list[Edge]] = {key: [] for key in by_key}
        for key, item in by_key.items():
            for node in _names(item.get("after")):
                if node.text in by_key:
                    edges[key].append(Edge(node.text, "after", node))
                else:
                    message = f"there is no background process `{node.text}` in this task"
                    self._problems.error("unknown-task", node, message, one_of(node.text, by_key))
        for circle in circles(edges):
            self._report(circle, "background processes")

    def _targets(self) -> None:
        triggers = self._document.root.get("on")
        if self._document.kind != "run" or not isinstance(triggers, Mapping):
            return
        stack: list[Node] = [triggers]
        while stack:
            node = stack.pop()
            if not isinstance(node, Mapping):
                stack.extend(item for item in flatten(node) if isinstance(item, Mapping))
                continue
            for name, (_, value) in node.entries.items():
                if name in ("target", "tasks"):
                    self._target(value, is_target=name == "target")
                elif name not in ("init", "params") and value.kind in ("map", "list"):
                    stack.append(value)

    def _target(self, value: Node, *, is_target: bool) -> None:
        for node in _names(value):
            if node.text not in self._tasks:
                report = self._problems.error if is_target else self._problems.warning
                report(
                    "unknown-task",
                    node,
                    f"there is no task `{node.text}`",
                    self._calls.suggest(node.text, self._tasks),
                )

    def _circles(self) -> None:
        for circle in circles(self._edges):
            self._report(circle, "tasks")

    def _report(self, circle: list[tuple[str, Edge]], what: str) -> None:
        node = circle[0][1].node
        if len(circle) == 1:
            name, edge = circle[0]
            message = f"`{name}` waits for itself (`{edge.kind}`)"
            hint = (
                "remove it from its own `" + edge.kind + "`"
                if edge.kind in ("use", "after")
                else "remove the reference"
            )
        else:
            steps = [f"`{name}` ({edge.kind})" for name, edge in circle]
            if len(steps) > _SHOWN:
                steps[_SHOWN - 1 : -1] = [f"{len(steps) - _SHOWN} more"]
            message = f"these {what} wait for each other in a circle: {' → '.join(steps)} → `{circle[0][0]}`"
            hint = "remove one of these dependencies"
        self._problems.error("cycle", node, message, hint)

    def _use_order(self) -> None:
        if len(self._tasks) > _REACH_LIMIT or all(len(uses) < 2 for uses in self._uses.values()):
            return
        reach = self._reach()
        position = self._position
        for uses in self._uses.values():
            below = 0  # what the entries so far use, as bits
            for number, (target, node) in enumerate(uses):
                if below >> position[target] & 1:
                    above = next(
                        earlier for earlier, _ in uses[:number] if reach[earlier] >> position[target] & 1
                    )
                    message = f"`{target}` is listed after `{above}`, which uses it: its layer lies below"
                    hint = f"list `{target}` before `{above}`, or leave it out"
                    self._problems.warning("use-order", node, message, hint)
                if number + 1 < len(uses):
                    below |= reach[target]

    def _reach(self) -> dict[str, int]:
        """For each task the set of tasks below it, as bits; a task in a circle may lack some."""
        position = self._position
        reach: dict[str, int] = {}
        for start in self._tasks:
            stack = [] if start in reach else [(start, iter(self._uses.get(start, ())))]
            opened = {start}
            while stack:
                key, rest = stack[-1]
                for target, _ in rest:
                    if target not in reach and target not in opened:
                        opened.add(target)
                        stack.append((target, iter(self._uses.get(target, ()))))
                        break
                else:
                    stack.pop()
                    bits = 0
                    for target, _ in self._uses.get(key, ()):
                        bits |= reach.get(target, 0) | (1 << position[target])
                    reach[key] = bits
        return reach


def _names(node: Node | None) -> list[Scalar]:
    """The task paths of a list, without those that are none, which checking the shape has reported."""
    if node is None:
        return []
    items = [item for item in flatten(node) if isinstance(item, Scalar) and item.kind in ("text", "boolean")]
    return [item for item in items if task_path(item.text) is None]


def circles(edges: dict[str, list[Edge]]) -> list[list[tuple[str, Edge]]]:
    """One short circle for every knot of the graph, in linear time and without recursion.

    Each circle is its steps, `(task, edge to the next)`, beginning with the first task of the file.
    """
    found = []
    for key, outgoing in edges.items():
        own = next((edge for edge in outgoing if edge.target == key), None)
        if own is not None:
            found.append([(key, own)])
    position = {key: number for number, key in enumerate(edges)}
    for knot in _knots(edges):
        first = min(knot, key=position.__getitem__)
        found.append(_shortest_circle(first, knot, edges))
    return found


def _knots(edges: dict[str, list[Edge]]) -> list[set[str]]:
    """The strongly connected parts of more than one task (Tarjan's algorithm with a stack of its own)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    knots: list[set[str]] = []
    for root in edges:
        if root in order:
            continue
        stack = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        path.append(root)
        on_path.add(root)
        while stack:
            key, rest = stack[-1]
            for edge in rest:
                target = edge.target
                if target not in order:
                    order[target] = low[target] = len(order)
                    path.append(target)
                    on_path.add(target)
                    stack.append((target, iter(edges[target])))
                    break
                if target in on_path:
                    low[key] = min(low[key], order[target])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[key])
                if low[key] == order[key]:
                    knot: set[str] = set()
                    while key not in knot:
                        knot.add(member := path.pop())
                        on_path.discard(member)
                    if len(knot) > 1:
                        knots.append(knot)
    return knots


def _shortest_circle(first: str, knot: set[str], edges: dict[str, list[Edge]]) -> list[tuple[str, Edge]]:
    came: dict[str, tuple[str, Edge]] = {}
    waiting = [first]
    for key in waiting:
        for edge in edges[key]:
            if edge.target == first and key != first:
                circle = [(key, edge)]
                while key != first:
                    key, edge = came[key]
                    circle.append((key, edge))
                return circle[::-1]
            if edge.target in knot and edge.target not in came and edge.target != first:
                came[edge.target] = (key, edge)
                waiting.append(edge.target)
    raise AssertionError(first)  # every member of a knot lies on a circle
