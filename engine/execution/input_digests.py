"""The digests of what tasks can see, each computed once and remembered between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from engine.execution.resolved import Patterns
from engine.file_tree import tree_digest, workspace_tree
from engine.filter import compile_patterns
from engine.store.input_view import InputView
from engine.store.layers import LayerStore
from engine.store.memos import Memos


class InputDigests:
    """See `engine.execution.resolve.InputDigests`. With everything remembered, no manifest is loaded."""

    def __init__(self, layers: LayerStore, memos: Memos) -> None:
        self._layers = layers
        self._memos = memos

    def system(self, layer: str, workspace: str) -> str:
        return self._remembered(
            f"system {layer} {workspace}", lambda: self._layers.system_digest(layer, workspace)
        )

    def workspace(self, layers: tuple[str, ...], workspace: str, patterns: Patterns | None) -> str:
        def compute() -> str:
            selected = None if patterns is None else compile_patterns(patterns.entries)
            view = InputView(self._layers.merged, layers, workspace, selected)
            return tree_digest(view.selection.keyed)

        inputs = repr((layers, workspace, None if patterns is None else patterns.entries))
        name = hashlib.sha256(inputs.encode("utf-8", "surrogateescape")).hexdigest()
        return self._remembered(f"workspace {name}", compute)

    def tree(self, layer: str, inside: tuple[str, ...], patterns: Patterns | None) -> str:
        if patterns is None:
            return layer

        def compute() -> str:
            tree = workspace_tree(self._layers.merged((layer,)), "/".join(inside))
            return tree_digest(compile_patterns(patterns.entries).select(tree).keyed)

        return self._remembered(f"tree {(layer, inside, patterns.entries)!r}", compute)

    def _remembered(self, name: str, compute: Callable[[], str]) -> str:
        digest = self._memos.get(name)
        if digest is None:
            digest = compute()
            self._memos.put(name, digest)
        return digest
