"""Reads YAML text into nodes: the parser's events, aliases, merge keys, and the limits that stop bombs."""

from __future__ import annotations

import re
from typing import Any

import yaml

from engine.definition.problems import AliasUse, Problems
from engine.definition.suggestions import did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described, flatten
from engine.definition.yaml_problems import place_in, report_syntax
from engine.definition.yaml_scalars import resolve_plain

MAXIMUM_DEPTH = 100
MAXIMUM_SIZE = 2_000_000  # nodes of a value with all its aliases written out
_CHARACTERS_OF_A_NODE = 32  # text of this length counts as much as one node
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROPERTIES = re.compile(r"(?:&[^\s,\[\]{}]*|\s+|#[^\n]*)*")
_WORD = re.compile(r"\S*")
_BLANK_WITH_TAB = re.compile(r"^[ ]*\t[ \t]*(?:#.*)?$")
_RETRIES = 20


def decode(data: bytes, problems: Problems) -> str | None:
    """The text of a file without its byte order mark; None, with a problem, when it is not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        problems.error("yaml-syntax", place_in(before, len(before)), message, "save the file as UTF-8")
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
        hint = "remove it, or write it as an escape in a double-quoted text"
        problems.error("yaml-syntax", place_in(text, forbidden.start()), message, hint)
        return None
    for _ in range(_RETRIES):
        try:
            return _Composer(text, problems).compose()
        except yaml.MarkedYAMLError as error:
            mended = _without_tab(text, error)
            if mended is None:
                report_syntax(error, text, problems)
                return None
            text = mended
        except yaml.YAMLError as error:
            problems.error(
                "yaml-syntax", place_in(text, 0), f"this is not YAML: {str(error).splitlines()[0]}"
            )
            return None
        except _Stopped:
            return None
    return None


def _without_tab(text: str, error: yaml.MarkedYAMLError) -> str | None:
    """The text with spaces for tabs where the parser gave up, in a line with nothing else but a comment."""
    if error.problem_mark is None:
        return None
    offset = error.problem_mark.index
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", begin)
    line = text[begin : len(text) if end < 0 else end]
    if not _BLANK_WITH_TAB.match(line.rstrip("\r")):
        return None
    return text[:begin] + line.replace("\t", " ") + text[begin + len(line) :]


class _Stopped(Exception):
    """A problem was added after which reading on makes no sense."""


class _Composer:
    """Builds nodes from events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, text: str, problems: Problems) -> None:
        # The C parser is ten times as fast; where it was not built the pure one says the same.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._parser: Any = loader(text)
        self._text = text
        self._problems = problems
        self._anchors: dict[str, Node] = {}
        self._open: set[int] = set()
        problems.aliases.clear()

    def compose(self) -> Node | None:
        """The only document, or None for an empty file."""
        try:
            return self._document()
        finally:
            self._parser.dispose()

    def _document(self) -> Node | None:
        self._parser.get_event()  # the start of the stream
        if type(self._parser.get_event()) is yaml.StreamEndEvent:
            return None
        root = self._tree()
        self._parser.get_event()  # the end of the document
        event = self._parser.get_event()
        if type(event) is not yaml.StreamEndEvent:
            where = Node(event.start_mark.line + 1, event.start_mark.column + 1, event.start_mark.index)
            hint = "a definition is one document: remove the `---`"
            self._problems.error("yaml-syntax", where, "a second document begins here", hint)
        return root

    def _tree(self) -> Node:
        next_event = self._parser.get_event
        scalar, alias = yaml.ScalarEvent, yaml.AliasEvent
        starts = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
        stack: list[tuple[Node, list[Node]]] = []
        while True:
            event = next_event()
            kind = type(event)
            if kind is scalar:
                node: Node = self._scalar(event)
            elif kind is alias:
                node = self._alias(event)
            elif kind in starts:
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

    def _scalar(self, event: Any) -> Scalar:
        start, end, source, style = event.start_mark, event.end_mark, event.value, event.style
        if style or event.tag:
            kind, text = "text", source
        else:
            kind, text = resolve_plain(source)
        node = Scalar(start.line + 1, start.column + 1, start.index, kind, text, source, style or "")
        node.end_line, node.end_column, node.end = end.line + 1, end.column + 1, end.index
        if not source and not style:
            self._move_to_colon(node)
        if event.anchor is not None or event.tag is not None:
            self._skip_properties(node, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if len(source) > _CHARACTERS_OF_A_NODE:
            node.size += len(source) // _CHARACTERS_OF_A_NODE
        return node

    def _move_to_colon(self, node: Scalar) -> None:
        """An empty value sits right after its colon, also where a bracket follows."""
        spaces = 0
        while self._text[node.start - spaces - 1 : node.start - spaces] == " ":
            spaces += 1
        if spaces and self._text[node.start - spaces - 1 : node.start - spaces] == ":":
            node.start, node.column = node.start - spaces, node.column - spaces
            node.end, node.end_column = node.start, node.column

    def _collection(self, event: Any) -> Node:
        start = event.start_mark
        make = Mapping if type(event) is yaml.MappingStartEvent else Sequence
        node = make(start.line + 1, start.column + 1, start.index)
        if event.anchor is not None or event.tag is not None:
            self._skip_properties(node, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            self._open.add(id(node))
        return node

    def _skip_properties(self, node: Node, event: Any) -> None:
        """Let a node begin after its anchor; a tag is a problem."""
        if event.tag is not None:
            begin = self._text.find("!", node.start, event.end_mark.index + 1)
            where = place_in(self._text, begin if begin >= 0 else node.start, near=node)
            written = _WORD.match(self._text, where.start)
            shown = written[0] if written and written[0] else event.tag
            where.end_column = where.column + len(shown)
            message = f"`{shown}` is read as a YAML tag, and tags have no meaning here"
            self._problems.error("yaml-syntax", where, message, "put a value that begins with `!` in quotes")
        match = _PROPERTIES.match(self._text, node.start)
        if event.tag is None and match is not None and match.end() <= max(event.end_mark.index, node.start):
            place = place_in(self._text, match.end(), near=node)
            node.line, node.column, node.start = place.line, place.column, place.start
        if node.end < node.start:
            node.end_line, node.end_column, node.end = node.line, node.column, node.start

    def _alias(self, event: Any) -> Node:
        start, end, name = event.start_mark, event.end_mark, event.anchor
        target = self._anchors.get(name)
        if target is not None and id(target) not in self._open:
            self._problems.aliases.append(AliasUse(name, start.line + 1, target))
            return target
        where = Scalar(start.line + 1, start.column + 1, start.index, "alias", "", "", "")
        where.end_line, where.end_column, where.end = end.line + 1, end.column + 1, end.index
        if target is None:
            hint = (
                did_you_mean(name, self._anchors)
                or f"write the anchor `&{name}` before it, or put the value in quotes"
            )
            self._problems.error(
                "unresolved-alias", where, f"the alias `*{name}` has no anchor before it", hint
            )
        else:
            message = f"the alias `*{name}` stands inside the value that it refers to"
            self._problems.error("circular-alias", where, message, "remove it: a value cannot contain itself")
        return where

    def _close(self, node: Node, children: list[Node], event: Any) -> None:
        end = event.end_mark
        if end.index > event.start_mark.index:  # a flow collection ends with its bracket
            node.end_line, node.end_column, node.end = end.line + 1, end.column + 1, end.index
        else:
            for child in children:
                if child.end > node.end and child.start >= node.start:
                    node.end_line, node.end_column, node.end = child.end_line, child.end_column, child.end
        node.size += sum([child.size for child in children])
        if node.size > MAXIMUM_SIZE:
            message = f"with its aliases written out this value has more than {MAXIMUM_SIZE:,} parts"
            self._problems.error("yaml-syntax", node, message, "write fewer aliases inside aliased values")
            raise _Stopped
        self._open.discard(id(node))
        if isinstance(node, Sequence):
            node.items = children
        elif isinstance(node, Mapping):
            self._fill(node, children)

    def _fill(self, node: Mapping, children: list[Node]) -> None:
        entries = node.entries
        if children:
            node.first_key = children[0]
        own: dict[str, Node] = {}
        for position in range(0, len(children), 2):
            key, value = children[position], children[position + 1]
            if not isinstance(key, Scalar) or (key.kind == "null" and not key.source):
                self._problems.error("yaml-syntax", key, f"a key must be text, not {described(key)}")
                continue
            name = key.source
            if name in own:
                message = f"the key `{name}` is already in this map, at line {own[name].line}"
                self._problems.error("duplicate-key", key, message, "remove one of the two")
            elif key.kind != "alias":
                own[name] = key
                if name == "<<" and not key.style:
                    self._merge(entries, value, own)
                else:
                    entries.pop(name, None)
                    entries[name] = (key, value)

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], value: Node, own: dict[str, Node]) -> None:
        for source in flatten(value):
            if isinstance(source, Mapping):
                entries.update({name: entry for name, entry in source.entries.items() if name not in own})
            elif source.kind != "alias":
                message = f"a merge key takes a map or a list of maps, not {described(source)}"
                self._problems.error("wrong-type", source, message, "name a map, such as `<<: *common`")
