"""Reads YAML text into nodes: the parser's events, aliases, merge keys, and the limits that stop bombs."""

from __future__ import annotations

import re

import yaml

from engine.definition.problems import AliasUse, Problems
from engine.definition.suggestions import did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described, flatten
from engine.definition.yaml_scalars import resolve_plain

MAXIMUM_DEPTH = 100
MAXIMUM_SIZE = 2_000_000
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*|\s+|#[^\n]*)*")
_PLACED_AT_CONTEXT = ("simple key", "alias", "anchor", "tag", "block scalar")
_WORD = re.compile(r"\S*")
_WEIGHT = 32  # characters that count as much as one node


def _place(text: str, offset: int, length: int = 1) -> Node:
    line = text.count("\n", 0, offset) + 1
    node = Node(line, offset - (text.rfind("\n", 0, offset) + 1) + 1, offset)
    node.end_column = node.column + length
    node.end = offset + length
    return node


def decode(data: bytes, problems: Problems) -> str | None:
    """The text of a file without its byte order mark; None, with a problem, when it is not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        shown = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        problems.error("yaml-syntax", _place(before, len(before)), shown, "save the file as UTF-8")
        return None
    return text.removeprefix("\ufeff")


def read_yaml(text: str, problems: Problems) -> Node | None:
    """The document of a file; None when it is empty or, with a problem, when it is no YAML.

    Merge keys are resolved, duplicate keys, tags, unresolved and circular aliases are problems.
    Time and memory are linear in the text; `Node.size` is at most MAXIMUM_SIZE.
    """
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        message = f"the character U+{ord(forbidden[0]):04X} is not allowed in YAML"
        problems.error(
            "yaml-syntax",
            _place(text, forbidden.start()),
            message,
            "remove it, or write it as an escape in a double-quoted text",
        )
        return None
    try:
        return _Composer(text, problems).compose()
    except yaml.MarkedYAMLError as error:
        _report(error, text, problems)
    except yaml.YAMLError as error:
        problems.error("yaml-syntax", _place(text, 0), f"this is not YAML: {error}".split("\n")[0])
    except _Stopped:
        pass
    return None


class _Stopped(Exception):  # a problem was added after which reading on makes no sense
    pass


def _report(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    context, mark = error.context or "", error.problem_mark or error.context_mark
    if error.context_mark is not None and any(word in context for word in _PLACED_AT_CONTEXT):
        mark = error.context_mark
    where = _place(text, 0) if mark is None else Node(mark.line + 1, mark.column + 1, mark.index)
    where.end_column = where.column + 1
    line_start = text.rfind("\n", 0, where.start) + 1
    line = text[line_start : (text.find("\n", line_start) + 1 or len(text) + 1) - 1]
    character = text[where.start : where.start + 1]
    reason = (error.problem or "this cannot be read").rstrip(".")
    message, hint = f"{context}: {reason}" if context else reason, None
    if character == "\t":
        message, hint = "a tab is used as indentation", "indent with spaces"
    elif "simple key" in context:
        message = f"`{line.strip()}` has no colon"
        hint = "in a map every line is `key: value`"
    elif "alias" in context:
        message = f"`{line[where.column - 1 :].strip()}` begins with `*`, so it is read as an alias"
        hint = "put a value that begins with `*` in quotes"
    elif "quoted scalar" in context:
        begin = error.context_mark
        message = "a quoted text is never closed" + (
            f"; it begins at line {begin.line + 1}, column {begin.column + 1}" if begin else ""
        )
        hint = "add the closing quote"
    elif character and character in "%@`":
        message, hint = (
            f"a value cannot begin with `{character}`",
            f"put a value that begins with `{character}` in quotes",
        )
    elif "${{" in line and "flow" in context:
        hint = "inside `{ }` and `[ ]` put a value with `${{ }}` in quotes"
    elif "mapping values are not allowed" in reason:
        message, hint = "a second colon in one line", "put a value that holds `: ` in quotes"
    problems.error("yaml-syntax", where, message, hint)


class _Composer:
    """Builds nodes from events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, text: str, problems: Problems) -> None:
        # The C parser is ten times as fast; where it was not built the pure one says the same.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._parser = loader(text)
        self._text = text
        self._problems = problems
        self._anchors: dict[str, Node] = {}
        self._open: set[int] = set()

    def compose(self) -> Node | None:
        try:
            return self._document()
        finally:
            self._parser.dispose()

    def _document(self) -> Node | None:
        next_event = self._parser.get_event
        next_event()  # the start of the stream
        event = next_event()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        root = self._tree()
        next_event()  # the end of the document
        event = next_event()
        if isinstance(event, yaml.DocumentStartEvent):
            where = Node(event.start_mark.line + 1, event.start_mark.column + 1, event.start_mark.index)
            self._problems.error(
                "yaml-syntax",
                where,
                "a second document begins here",
                "a definition is one document: remove the `---`",
            )
        return root

    def _tree(self) -> Node:
        next_event = self._parser.get_event
        stack: list[tuple[Node, list[Node]]] = []
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                node: Node = self._scalar(event)
            elif kind is yaml.AliasEvent:
                node = self._alias(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                opened = self._collection(event)
                if len(stack) >= MAXIMUM_DEPTH:
                    self._problems.error("yaml-syntax", opened, f"nested deeper than {MAXIMUM_DEPTH} levels")
                    raise _Stopped
                stack.append((opened, []))
                continue
            else:
                node, children = stack.pop()
                self._close(node, children, event)
            if not stack:
                return node
            stack[-1][1].append(node)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, value = event.start_mark, event.value
        if not event.style and not event.tag:
            kind, text = resolve_plain(value)
        else:
            kind, text = "text", value
        node = Scalar(start.line + 1, start.column + 1, start.index, kind, text, value, event.style or "")
        if event.anchor is not None or event.tag is not None:
            self._skip_properties(node, event)
        end = event.end_mark
        node.end_line, node.end_column, node.end = end.line + 1, end.column + 1, end.index
        if len(value) > _WEIGHT:
            node.size += len(value) // _WEIGHT
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _collection(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> Node:
        start = event.start_mark
        make = Mapping if type(event) is yaml.MappingStartEvent else Sequence
        node = make(start.line + 1, start.column + 1, start.index)
        if event.anchor is not None or event.tag is not None:
            self._skip_properties(node, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            self._open.add(id(node))
        return node

    def _skip_properties(self, node: Node, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = _WORD.match(self._text, node.start)
            shown = written[0] if written else tag
            node.end_column = node.column + len(shown)
            message = f"`{shown}` is read as a YAML tag, and tags have no meaning here"
            self._problems.error("yaml-syntax", node, message, "put a value that begins with `!` in quotes")
            return
        match = _PROPERTIES.match(self._text, node.start)
        if match is not None and match.end() < len(self._text) and match.end() <= event.end_mark.index:
            lines = self._text.count("\n", node.start, match.end())
            begin = self._text.rfind("\n", 0, match.end()) + 1 if lines else node.start - node.column + 1
            node.line, node.column, node.start = node.line + lines, match.end() - begin + 1, match.end()

    def _alias(self, event: yaml.AliasEvent) -> Node:
        start = event.start_mark
        target = self._anchors.get(event.anchor)
        if target is not None and id(target) not in self._open:
            self._problems.aliases.append(AliasUse(event.anchor, start.line + 1, target))
            return target
        where = Scalar(start.line + 1, start.column + 1, start.index, "alias", "", "", "")
        where.end_line, where.end_column, where.end = (
            event.end_mark.line + 1,
            event.end_mark.column + 1,
            event.end_mark.index,
        )
        if target is None:
            hint = (
                did_you_mean(event.anchor, self._anchors)
                or "write the anchor `&" + event.anchor + "` before it, or put the value in quotes"
            )
            self._problems.error(
                "unresolved-alias", where, f"the alias `*{event.anchor}` has no anchor before it", hint
            )
        else:
            self._problems.error(
                "circular-alias", where, f"the alias `*{event.anchor}` stands inside the value it refers to"
            )
        return where

    def _close(self, node: Node, children: list[Node], event: yaml.Event) -> None:
        end = event.end_mark
        if end.index > node.start and self._text[end.index - 1 : end.index] in ("]", "}"):
            node.end_line, node.end_column, node.end = end.line + 1, end.column + 1, end.index
        else:
            for child in children:
                if child.end > node.end:
                    node.end_line, node.end_column, node.end = child.end_line, child.end_column, child.end
        for child in children:
            node.size += child.size
        if node.size > MAXIMUM_SIZE:
            self._problems.error(
                "yaml-syntax", node, f"the aliases in this value expand to more than {MAXIMUM_SIZE:,} values"
            )
            raise _Stopped
        self._open.discard(id(node))
        if isinstance(node, Sequence):
            node.items = children
        elif isinstance(node, Mapping):
            self._fill(node, children)

    def _fill(self, node: Mapping, children: list[Node]) -> None:
        entries = node.entries
        has_merges = False
        if children:
            node.first_key = children[0]
        own: dict[str, Node] = {}
        for position in range(0, len(children), 2):
            key = children[position]
            if not isinstance(key, Scalar) or (key.kind == "null" and not key.source):
                self._problems.error("yaml-syntax", key, f"a key must be text, this one is {described(key)}")
                continue
            if key.kind == "alias":
                continue
            name = key.source
            if name in own:
                self._problems.error(
                    "duplicate-key",
                    key,
                    f"the key `{name}` is already in this map, at line {own[name].line}",
                    "remove one of the two",
                )
                continue
            own[name] = key
            value = children[position + 1]
            if name == "<<" and key.kind == "text" and not key.style:
                has_merges = True
                self._merge(entries, value, own)
                continue
            if has_merges:
                entries.pop(name, None)
            entries[name] = (key, value)

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], value: Node, own: dict[str, Node]) -> None:
        for source in flatten(value):
            if isinstance(source, Mapping):
                for name, entry in source.entries.items():
                    if name not in own:
                        entries[name] = entry
            elif source.kind != "alias":
                message = f"a merge key takes a map or a list of maps, not {described(source)}"
                self._problems.error("wrong-type", source, message)
