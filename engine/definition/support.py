"""What the language has and a run cannot do yet: an error at its line, before anything runs."""

from __future__ import annotations

from engine.definition.checking import expressions_of
from engine.definition.document import Document
from engine.definition.mentions import Chain, Found, mentions
from engine.definition.packages import PackageSearch, is_digest, split_call
from engine.definition.scopes import SECRET_CONTEXTS
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten

_BASES = ("host:", "rootfs:", "oci:")
_KEYS = ("parallel", "background-processes", "tool-cache", "mounts")
_BUILT_IN = ("outcrop/workspace", "git/clone")


def check_support(document: Document, packages: PackageSearch) -> None:
    """Report everything in a run definition that has no effect yet although a run would need it."""
    checker = _Checker(document, packages)
    checker.file()
    for task in document.tasks:
        checker.task(task)
    for use in document.check.uses:
        if use.owner is not None:
            checker.secrets(
                use.node,
                [found for expression in expressions_of(use.template) for found in mentions(expression)],
            )


class _Checker:
    def __init__(self, document: Document, packages: PackageSearch) -> None:
        self._packages = packages
        self._root = document.root
        self._problems = document.check.problems

    def _report(self, where: Node, what: str, hint: str | None = None) -> None:
        self._problems.error("not-supported", where, f"{what} is not supported yet", hint)

    def file(self) -> None:
        """The keys of the file, and its base."""
        if "concurrency-pools" in self._root.entries:
            self._report(self._root.key("concurrency-pools"), "`concurrency-pools`")
        base = self._root.get("base")
        if not isinstance(base, Mapping):
            return
        if "call" in base.entries:
            self._report(base.key("call"), "`call` in `base`")
        image, config = base.get("image") or base.get("os"), base.get("config")
        if (
            isinstance(image, Scalar)
            and "${{" not in image.text
            and image.text != "scratch"
            and not image.text.startswith(_BASES)
        ):
            source = "an archive" if image.text.startswith("docker-archive:") else "an image from a registry"
            self._report(image, f"{source} as base", "use `host:`, `scratch`, `rootfs:PATH` or `oci:DIR`")
        if (
            isinstance(config, Scalar)
            and "${{" not in config.text
            and config.text != "none"
            and config.text.split(" ")[0] != "rwx/base"
        ):
            self._report(
                config, f"the configuration package `{config.text}`", "use `none` or `rwx/base 1.0.0`"
            )

    def task(self, task: Mapping) -> None:
        """The form of a task, and its keys."""
        form = form_of(task)
        if form == "app":
            self._report(task.key("app"), "`app`")
        elif form == "embedded-run":
            self._report(task.key("call"), "calling another run definition")
        elif form == "package":
            self._call(task.entries["call"][1])
        for name in _KEYS:
            if name in task.entries:
                self._report(task.key(name), f"`{name}`")
        docker, retry, outputs = task.get("docker"), task.get("retry"), task.get("outputs")
        if isinstance(docker, Scalar) and docker.text != "false":
            self._report(task.key("docker"), "`docker`")
        if isinstance(retry, Mapping) and "action" in retry.entries:
            self._report(retry.key("action"), "`action` of `retry`")
        for name in ("test-results", "problems"):
            if isinstance(outputs, Mapping) and name in outputs.entries:
                self._report(outputs.key(name), f"`{name}` of `outputs`")
        for name in ("use", "after"):
            self._inner(task.get(name), name)

    def _inner(self, node: Node | None, label: str) -> None:
        for item in flatten(node) if node is not None else ():
            if isinstance(item, Scalar) and "." in item.text and "${{" not in item.text:
                self._report(item, f"the task inside a call, `{item.text}` in `{label}`,")

    def _call(self, call: Node) -> None:
        if not isinstance(call, Scalar):
            return
        named = split_call(call.text)
        if named is None:
            kind = "a package by its digest" if is_digest(call.text) else "a local package or a file"
            self._report(
                call, f"calling {kind}", "the packages `outcrop/workspace` and `git/clone` are built in"
            )
        elif named[0] not in _BUILT_IN or not self._is_built_in(named):
            self._report(
                call,
                f"the package `{named[0]}`",
                "the packages `outcrop/workspace` and `git/clone` are built in",
            )

    def _is_built_in(self, named: tuple[str, str]) -> bool:
        package = self._packages.find(*named)
        return package is None or package.is_built_in

    def secrets(self, where: Node, found: list[Found]) -> None:
        """Secrets in a template of a task."""
        for chain in found:
            if isinstance(chain, Chain) and chain.root in SECRET_CONTEXTS:
                self._report(where, f"`{chain.root}`")
