"""Builds the run definition from a document that has no errors."""

from __future__ import annotations

import os

from engine.definition.checking import Check
from engine.definition.document import Document
from engine.definition.expressions import parse_template
from engine.definition.graph import Graph
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, flatten
from engine.model.expression import Expression, Template
from engine.model.run_definition import (
    Agent,
    Artifact,
    Base,
    CacheRule,
    CommandTask,
    EnvironmentConfig,
    EnvironmentEntry,
    Filter,
    FilterEntry,
    MergeRule,
    OutputFilter,
    Outputs,
    PackageTask,
    Retry,
    RunDefinition,
    Task,
)


def build_run(document: Document, run_dir: str, graph: Graph) -> RunDefinition:
    """The run definition of a checked file; every node is known to have a good shape."""
    builder = _Builder(document, graph)
    root = document.root
    command_line = _map(_map(root.get("on")).get("cli") if root.get("on") else None)
    title = command_line.get("title")
    return RunDefinition(
        path=os.path.abspath(document.path),
        run_dir=run_dir,
        base=builder.base(root.get("base")),
        tasks=tuple(builder.task(task) for task in document.tasks),
        init=tuple(
            (name, builder.template(value))
            for name, (_, value) in _map(command_line.get("init")).entries.items()
        ),
        title=None if title is None else builder.template(title),
    )


_EMPTY = Mapping(0, 0, 0)


def _map(node: Node | None) -> Mapping:
    return node if isinstance(node, Mapping) else _EMPTY


def _text(node: Node) -> str:
    assert isinstance(node, Scalar), node.kind
    return node.text


def _texts(node: Node | None) -> tuple[str, ...]:
    return () if node is None else tuple(_text(item) for item in flatten(node))


class _Builder:
    """Turns nodes into values; templates are those that checking has parsed."""

    def __init__(self, document: Document, graph: Graph) -> None:
        self._document = document
        self._graph = graph
        self._check: Check = document.check
        self._defaults = _map(document.root.get("defaults"))
        self._default_agent = self._agent_map(self._defaults)
        logs = _map(_map(self._defaults.get("outputs")).get("logs"))
        self._default_retention = self.optional(logs.get("retention"))

    def template(self, node: Node) -> Template:
        """The template of a scalar."""
        assert isinstance(node, Scalar), node.kind
        if "${{" not in node.text:
            return Template((node.text,))
        parsed = self._check.templates.get(id(node)) or self._check.exact.get(id(node))
        return parsed if parsed is not None else parse_template(node.text)

    def optional(self, node: Node | None) -> Template | None:
        """The template of a scalar that may be absent."""
        return None if node is None else self.template(node)

    def expression(self, node: Node) -> Expression:
        """The expression of an exact expression."""
        piece = self.template(node).pieces[0]
        assert not isinstance(piece, str)
        return piece

    def base(self, node: Node | None) -> Base | None:
        """`base` with `image` and `config`, the older `os` and `tag` translated."""
        if not isinstance(node, Mapping):
            return None
        image = node.get("image")
        if image is not None:
            image_template, config = self.template(image), self.template(node.entries["config"][1])
        else:
            system = self.template(node.entries["os"][1])
            image_template = Template(
                tuple(piece.replace(" ", ":") if isinstance(piece, str) else piece for piece in system.pieces)
            )
            config = Template(("rwx/base",))
        return Base(
            image=image_template,
            config=config,
            arch=self.optional(node.get("arch")),
            line=node.place.line,
            column=node.place.column,
        )

    def task(self, node: Mapping) -> Task:
        """A command task or a call of a built-in package."""
        return self.package_task(node) if form_of(node) == "package" else self.command_task(node)

    def package_task(self, node: Mapping) -> PackageTask:
        """A call of a built-in package."""
        key = _text(node.entries["key"][1])
        name, _, version = _text(node.entries["call"][1]).strip().partition(" ")
        given = _map(node.get("with")).entries
        return PackageTask(
            key=key,
            line=node.place.line,
            column=node.place.column,
            raw=self.raw(node),
            package=name,
            version=version.strip(),
            parameters=tuple((parameter, self.template(value)) for parameter, (_, value) in given.items()),
            use=self.use(node),
            after=self.after(node.get("after")),
            condition=self.condition(node.get("if")),
            filter=self.filter(node.get("filter")),
            cache=self.cache(node.get("cache")),
            env=self.environment(node.get("env")),
            env_config=self.environment_config(node.get("env-config")),
            dependencies=self._graph.dependencies(key),
        )

    def command_task(self, node: Mapping) -> CommandTask:
        """A task with a script."""
        key = _text(node.entries["key"][1])
        grace, network = node.get("terminate-grace-period-seconds"), node.get("network")
        return CommandTask(
            key=key,
            line=node.place.line,
            column=node.place.column,
            raw=self.raw(node),
            run=self.script(node.entries["run"][1]),
            use=self.use(node),
            after=self.after(node.get("after")),
            condition=self.condition(node.get("if")),
            filter=self.filter(node.get("filter")),
            cache=self.cache(node.get("cache")),
            env=self.environment(node.get("env")),
            env_config=self.environment_config(node.get("env-config")),
            timeout=self.optional(node.get("timeout")),
            terminate_grace_seconds=0 if grace is None else float(_text(grace)),
            retry=self.retry(node.get("retry")),
            agent=self.agent(node),
            network="none" if network is not None and _text(network) == "none" else "host",
            outputs=self.outputs(node.get("outputs")),
            dependencies=self._graph.dependencies(key),
        )

    def use(self, node: Mapping) -> tuple[str, ...]:
        """`use`, without repeats."""
        return tuple(dict.fromkeys(_texts(node.get("use"))))

    def after(self, node: Node | None) -> tuple[str, ...] | Expression:
        """`after` in both forms."""
        if isinstance(node, Scalar) and "${{" in node.text:
            return self.expression(node)
        return tuple(dict.fromkeys(_texts(node)))

    def condition(self, node: Node | None) -> Expression | None:
        """An exact expression that may be absent."""
        return None if node is None else self.expression(node)

    def raw(self, node: Mapping) -> str:
        """The YAML text of a task as written, moved to the left margin."""
        lines = self._document.text[node.start : node.end].rstrip().split("\n")
        margin = " " * (node.column - 1)
        return (
            "\n".join(line.removeprefix(margin) if position else line for position, line in enumerate(lines))
            + "\n"
        )

    def script(self, node: Node) -> Template:
        """`run`, its lines joined."""
        if isinstance(node, Scalar):
            return self.template(node)
        pieces: list[str | Expression] = []
        for position, item in enumerate(flatten(node)):
            if position:
                pieces.append("\n")
            pieces.extend(self.template(item).pieces)
        return Template(tuple(_joined(pieces)))

    def filter(self, node: Node | None) -> Filter:
        """`filter` in each of its forms."""
        if node is None:
            return Filter()
        if not isinstance(node, Mapping):
            return Filter(workspace=self.entries(node))
        workspace = node.get("workspace")
        keyed = []
        for name, (key, value) in node.entries.items():
            if name != "workspace":
                listed = self.entries(value)
                keyed.append(
                    (
                        self.template(key),
                        listed if isinstance(listed, tuple) else (FilterEntry(pattern=self.template(value)),),
                    )
                )
        return Filter(workspace=None if workspace is None else self.entries(workspace), keyed=tuple(keyed))

    def entries(self, node: Node) -> tuple[FilterEntry, ...] | Expression:
        """A list of patterns, or the expression that gives it."""
        if isinstance(node, Scalar):
            return self.expression(node)
        found = []
        for item in flatten(node):
            if isinstance(item, Mapping):
                choice = item.get("cache-key")
                pattern = self.template(item.entries["path"][1])
                found.append(
                    FilterEntry(pattern=pattern, in_cache_key=choice is None or _text(choice) == "included")
                )
            else:
                found.append(FilterEntry(pattern=_without_slash(self.template(item))))
        return tuple(found)

    def cache(self, node: Node | None) -> CacheRule:
        """`cache` in each of its forms."""
        if node is None:
            return CacheRule()
        if isinstance(node, Mapping):
            enabled, ttl = node.get("enabled"), node.get("ttl")
            return CacheRule(
                enabled=True if enabled is None else self.switch(enabled), ttl=self.optional(ttl)
            )
        return CacheRule(enabled=self.switch(node))

    def switch(self, node: Node) -> bool | Expression:
        """A boolean or an expression."""
        return self.expression(node) if "${{" in _text(node) else _text(node) == "true"

    def environment(self, node: Node | None) -> tuple[EnvironmentEntry, ...]:
        """`env`, one entry a variable."""
        entries = []
        for name, (_, value) in _map(node).entries.items():
            if not isinstance(value, Mapping):
                entries.append(EnvironmentEntry(name=name, value=self.template(value)))
                continue
            choice, older = value.get("cache-key"), value.get("cache")
            in_key = None
            if choice is not None:
                in_key = _text(choice) == "included"
            elif older is not None:
                in_key = _text(older) == "true"
            entries.append(
                EnvironmentEntry(name=name, value=self.optional(value.get("value")), in_cache_key=in_key)
            )
        return tuple(entries)

    def environment_config(self, node: Node | None) -> EnvironmentConfig:
        """`env-config`."""
        inherit = _map(node).get("inherit")
        merge = tuple(
            self.merge_rule(name, value) for name, (_, value) in _map(_map(node).get("merge")).entries.items()
        )
        return EnvironmentConfig(
            inherit=_texts(inherit) if isinstance(inherit, Sequence) else None, merge=merge
        )

    def merge_rule(self, name: str, node: Node) -> MergeRule:
        """One of `merge`."""
        by = _map(node).get("by")
        return MergeRule(name=name, by=None if by is None else _text(by))

    def retry(self, node: Node | None) -> Retry | None:
        """`retry` in both forms."""
        if node is None:
            return None
        if not isinstance(node, Mapping):
            return Retry(count=self.template(node))
        condition = node.get("if")
        return Retry(
            count=self.template(node.entries["count"][1]),
            condition=None if condition is None else self.expression(condition),
        )

    def _agent_map(self, node: Mapping) -> Mapping:
        return _map(node.get("agent") or node.get("runner"))

    def agent(self, node: Mapping) -> Agent:
        """`agent` or `runner`, `defaults` filled in field by field."""
        own = self._agent_map(node)
        return Agent(
            cpus=self.optional(own.get("cpus") or self._default_agent.get("cpus")),
            memory=self.optional(own.get("memory") or self._default_agent.get("memory")),
        )

    def outputs(self, node: Node | None) -> Outputs:
        """`outputs`, as far as a run uses it."""
        outputs = _map(node)
        artifacts = outputs.get("artifacts")
        maps = (
            [item for item in flatten(artifacts) if isinstance(item, Mapping)]
            if artifacts is not None
            else []
        )
        codes = _map(outputs.get("execution-status")).get("success-exit-codes")
        retention = _map(outputs.get("logs")).get("retention")
        return Outputs(
            artifacts=tuple(
                Artifact(key=_text(item.entries["key"][1]), path=self.template(item.entries["path"][1]))
                for item in maps
            ),
            filesystem=self.output_filter(outputs.get("filesystem")),
            success_exit_codes=tuple(int(float(code)) for code in _texts(codes)),
            logs_retention=self._default_retention if retention is None else self.template(retention),
        )

    def output_filter(self, node: Node | None) -> OutputFilter:
        """`outputs.filesystem`."""
        if isinstance(node, Scalar):
            return OutputFilter(keep=node.kind == "null")
        patterns = _map(node).get("filter")
        if isinstance(patterns, Sequence):
            return OutputFilter(workspace=_texts(patterns))
        workspace, system = _map(patterns).get("workspace"), _map(patterns).get("system")
        return OutputFilter(
            workspace=None if workspace is None else _texts(workspace),
            system=None if system is None else _texts(system),
        )


def _joined(pieces: list[str | Expression]) -> list[str | Expression]:
    joined: list[str | Expression] = []
    plain: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            plain.append(piece)
            continue
        if plain:
            joined.append("".join(plain))
            plain = []
        joined.append(piece)
    if plain or not joined:
        joined.append("".join(plain))
    return joined


def _without_slash(template: Template) -> Template:
    first = template.pieces[0]
    if not isinstance(first, str) or not first.removeprefix("!").startswith("/"):
        return template
    sign = "!" if first.startswith("!") else ""
    return Template((sign + first.removeprefix("!").lstrip("/"), *template.pieces[1:]))
