"""The tree that a YAML file is read into: every key and value with its exact place in the text."""

from __future__ import annotations

from collections.abc import Iterator


class Node:
    """Lines and columns count from 1, the end is exclusive; `start` and `end` are offsets into the text.

    Aliases share the node they refer to, so nodes are never changed after reading. `size` counts
    the nodes below with every alias written out.
    """

    __slots__ = ("column", "end", "end_column", "end_line", "kind", "line", "size", "start")

    def __init__(self, line: int, column: int, start: int, kind: str = "") -> None:
        self.line = line
        self.column = column
        self.start = start
        self.end_line = line
        self.end_column = column
        self.end = start
        self.size = 1
        self.kind = kind


class Scalar(Node):
    """A leaf of kind `null`, `boolean`, `number` or `text`; `text` is what a stringable reads."""

    __slots__ = ("source", "style", "text")

    def __init__(
        self, line: int, column: int, start: int, kind: str, text: str, source: str, style: str
    ) -> None:
        super().__init__(line, column, start, kind)
        self.text = text
        self.source = source
        self.style = style


class Sequence(Node):
    """A list as written, not flattened."""

    __slots__ = ("items",)

    def __init__(self, line: int, column: int, start: int) -> None:
        super().__init__(line, column, start, "list")
        self.items: list[Node] = []


class Mapping(Node):
    """A map with its merge keys resolved, in the order of the file; `place` is where it is reported."""

    __slots__ = ("entries", "first_key")

    def __init__(self, line: int, column: int, start: int) -> None:
        super().__init__(line, column, start, "map")
        self.entries: dict[str, tuple[Scalar, Node]] = {}
        self.first_key: Node | None = None

    @property
    def place(self) -> Node:
        """The first key as written, or the map itself when it is empty."""
        return self if self.first_key is None else self.first_key

    def get(self, name: str) -> Node | None:
        """The value of a key; None when it is absent."""
        entry = self.entries.get(name)
        return None if entry is None else entry[1]

    def key(self, name: str) -> Node:
        """The node of a key that is there."""
        return self.entries[name][0]


def flatten(node: Node) -> Iterator[Node]:
    """The items of a list with nested lists counted as their items; a lone value is its own only item."""
    if not isinstance(node, Sequence):
        yield node
        return
    stack = [iter(node.items)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, Sequence):
                stack.append(iter(item.items))
                break
            yield item
        else:
            stack.pop()


def described(node: Node) -> str:
    """What a value is, for a message: `a list`, `the number 42`, `nothing`."""
    if isinstance(node, Scalar):
        if node.kind == "null":
            return "nothing"
        shown = node.source if len(node.source) <= 40 else node.source[:37] + "…"
        shown = shown.replace("\n", "⏎")
        return f"the text `{shown}`" if node.kind == "text" else f"the {node.kind} `{shown}`"
    return "a list" if isinstance(node, Sequence) else "a map"
