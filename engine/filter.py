"""Filters of reference §8: lists of paths and globs that select a part of a tree; pure.

A filter runs as an automaton over path segments, walked down the tree one directory after another:
a state is the set of places in the patterns that are still alive below a directory, and a directory
in which none is alive costs nothing more. Time is linear in the tree, whatever the patterns.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from engine.file_tree import DIRECTORY, Entry, FileTree, parent_of
from engine.model.errors import UserError

MAX_ALTERNATIVES = 1000  # what `{a,b}` groups of one entry may expand to

LeadingSlash = Literal["warning", "error", "required"]

_UNDECIDED = -1

_Place = tuple[int, int]


class Selection(msgspec.Struct, frozen=True):
    """`kept`: what the task sees, needed parents included. `keyed`: the part that is in its cache key."""

    kept: FileTree
    keyed: FileTree


class _Pattern(msgspec.Struct, frozen=True):
    """One alternative of one entry. Segments are plain names, compiled globs, or None for `**`."""

    entry: int
    segments: tuple[str | re.Pattern[str] | None, ...]
    directories_only: bool


class _State:
    """The places (pattern, segment) that are alive below a directory, numbered as bits of a mask."""

    __slots__ = ("always", "globs", "literals", "places", "steps", "strongest")

    def __init__(self, places: frozenset[_Place], patterns: tuple[_Pattern, ...]) -> None:
        self.places = tuple(sorted(places))
        self.strongest = max((patterns[number].entry for number, _ in places), default=_UNDECIDED)
        self.always = 0
        self.literals: dict[str, int] = {}
        self.globs: list[tuple[Callable[[str], object], int]] = []
        self.steps: dict[int, _Step] = {}
        for index, (number, position) in enumerate(self.places):
            segment = patterns[number].segments[position]
            if segment is None:
                self.always |= 1 << index
            elif isinstance(segment, str):
                self.literals[segment] = self.literals.get(segment, 0) | 1 << index
            else:
                self.globs.append((segment.fullmatch, 1 << index))

    def reached(self, name: str) -> int:
        """The places whose segment matches `name`."""
        mask = self.always | self.literals.get(name, 0)
        for matches, bit in self.globs:
            if matches(name):
                mask |= bit
        return mask


class _Step(msgspec.Struct, frozen=True):
    """Where a name leads: the state below it, and the last entry that it matches itself, by its kind."""

    state: _State
    entry_of_directory: int
    entry_of_other: int


class CompiledFilter:
    """A filter list, ready to be applied; see `compile_patterns`."""

    def __init__(self, negated: tuple[bool, ...], in_key: tuple[bool, ...], patterns: tuple[_Pattern, ...]):
        self.warnings: tuple[str, ...] = ()
        self._negated = negated
        is_denylist = bool(negated) and all(negated)
        self._verdicts = (*[not is_negated for is_negated in negated], is_denylist)  # [-1]: undecided
        self._in_key = (*in_key, True)
        self._patterns = patterns
        self._states: dict[frozenset[_Place], _State] = {}
        everything = [pattern.entry for pattern in patterns if not pattern.segments]
        self._root_decision = max(everything, default=_UNDECIDED)
        self._root_state = self._state(
            {(number, 0) for number, pattern in enumerate(patterns) if pattern.segments}
        )

    def select(self, tree: FileTree) -> Selection:
        """Apply to a tree that is rooted at the filtered directory; its root "" is always kept."""
        return self.select_below(tree, sorted(tree), "")

    def select_below(self, tree: Mapping[str, Entry], paths: Sequence[str], directory: str) -> Selection:
        """Apply to a directory of a tree, the paths of which are given sorted; the result is rooted there.

        Takes as long as what is kept is large, and the directories in which something could be.
        """
        kept: FileTree = {}
        excluded: list[str] = []
        lonely: list[str] = []  # what is kept in a directory that is not
        below: dict[str, tuple[_State, int]] = {directory: (self._root_state, self._root_decision)}
        start = len(directory) + 1 if directory else 0
        root = tree.get(directory)
        if root is not None:
            kept[""] = root
            if not self._in_key[self._root_decision]:
                excluded.append("")
        index = bisect_left(paths, directory + "/") if directory else bisect_left(paths, "\0")
        end = bisect_left(paths, directory + "0", index) if directory else len(paths)
        while index < end:
            path = paths[index]
            cut = path.rfind("/")
            parent = path[:cut] if cut > 0 else ""
            state, decision = below[parent]
            if not state.places:  # nothing below the parent makes a difference any more
                until = bisect_left(paths, parent + "0", index, end) if parent else end
                if self._verdicts[decision]:
                    part = {inner[start:]: tree[inner] for inner in paths[index:until]}
                    kept.update(part)
                    if not self._in_key[decision]:
                        excluded += part
                    if parent == directory:
                        lonely += part
                index = until
                continue
            index += 1
            entry = tree[path]
            if entry.kind == DIRECTORY:
                step = self._step(state, path[cut + 1 :])
                decision = max(decision, step.entry_of_directory)
                below[path] = step.state, decision
            elif state.strongest > decision:
                decision = max(decision, self._step(state, path[cut + 1 :]).entry_of_other)
            if self._verdicts[decision]:
                inner = path[start:]
                kept[inner] = entry
                if not self._in_key[decision]:
                    excluded.append(inner)
                if parent[start:] not in kept:
                    lonely.append(inner)
        keyed = _without(kept, excluded)
        whole = _with_parents(kept, lonely, tree, directory)
        return Selection(whole, _with_parents(keyed, list(keyed), tree, directory) if excluded else whole)

    def keeps(self, path: str, is_directory: bool) -> bool:
        """Whether a path, relative to the filtered directory, is itself selected."""
        return self._verdicts[self._walk(path, is_directory)[1]]

    def may_be_keyed(self, path: str, is_directory: bool) -> bool:
        """Whether what is at a path could be in the cache key's part, be it as the parent of something else.

        False only if it is not, whatever else there is.
        """
        state, decision = self._walk(path, is_directory)
        if self._verdicts[decision] and self._in_key[decision]:
            return True
        return is_directory and bool(state.places)

    def keeps_all_below(self, directory: str) -> bool:
        """Whether nothing that could ever lie below `directory` would be hidden; False when in doubt."""
        state, decision = self._walk(directory, is_directory=True)
        surest = decision if self._verdicts[decision] else -2
        for number, position in state.places:
            pattern = self._patterns[number]
            is_all_below = position == len(pattern.segments) - 1 and pattern.segments[position] is None
            if is_all_below and not pattern.directories_only and not self._negated[pattern.entry]:
                surest = max(surest, pattern.entry)
        if surest < decision:  # what hides the directory hides all below it
            return False
        entries = (self._patterns[number].entry for number, _ in state.places)
        return not any(self._negated[entry] and entry > surest for entry in entries)

    def _walk(self, path: str, is_directory: bool) -> tuple[_State, int]:
        state, decision = self._root_state, self._root_decision
        names = path.split("/") if path else []
        for depth, name in enumerate(names, start=1):
            step = self._step(state, name)
            state = step.state
            is_reached_as_directory = is_directory or depth < len(names)
            decision = max(
                decision, step.entry_of_directory if is_reached_as_directory else step.entry_of_other
            )
        return state, decision

    def _step(self, state: _State, name: str) -> _Step:
        """Go down into `name`."""
        reached = state.reached(name)
        step = state.steps.get(reached)
        if step is None:
            step = state.steps[reached] = self._make_step(
                place for index, place in enumerate(state.places) if reached >> index & 1
            )
        return step

    def _make_step(self, places: Iterable[_Place]) -> _Step:
        alive: set[_Place] = set()
        of_directory = of_other = _UNDECIDED
        for number, position in places:
            pattern = self._patterns[number]
            if position + 1 < len(pattern.segments):
                alive.add((number, position + 1))
            else:
                of_directory = max(of_directory, pattern.entry)
                if not pattern.directories_only:
                    of_other = max(of_other, pattern.entry)
            if pattern.segments[position] is None:
                alive.add((number, position))
        return _Step(self._state(alive), of_directory, of_other)

    def _state(self, places: Iterable[_Place]) -> _State:
        """The state of these places, and of those past a `**`, which may stand for no segment at all."""
        closed = set(places)
        for number, position in tuple(closed):
            segments = self._patterns[number].segments
            while segments[position] is None and position + 1 < len(segments):
                position += 1
                closed.add((number, position))
        key = frozenset(closed)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = _State(key, self._patterns)
        return state


def _without(kept: FileTree, excluded: list[str]) -> FileTree:
    if not excluded:
        return kept
    gone = frozenset(excluded) - {""}
    return {path: entry for path, entry in kept.items() if path not in gone}


def _with_parents(
    part: FileTree, paths: Iterable[str], tree: Mapping[str, Entry], directory: str
) -> FileTree:
    """Add the directories needed to reach `paths`, which are in `part`."""
    prefix = directory + "/" if directory else ""
    for path in paths:
        while path:
            path = parent_of(path)
            if path in part:
                break
            part[path] = tree[prefix + path if path else directory]
    return part


def compile_patterns(
    entries: Iterable[tuple[str, bool]], leading_slash: LeadingSlash = "warning"
) -> CompiledFilter:
    """Compile (entry, is in the cache key) pairs. Negated entries begin with `!`.

    A leading `/` is dropped: with a text in `.warnings`, as an error, or (`required`, for the system
    part of `outputs.filesystem`) as what an entry must begin with unless it begins with `*`.
    Raises UserError that names the entry: `..`, empty, `!!`, too many alternatives.
    """
    negated: list[bool] = []
    in_key: list[bool] = []
    patterns: list[_Pattern] = []
    warnings: list[str] = []
    for number, (text, is_keyed) in enumerate(entries):
        is_negated = text.startswith("!")
        negated.append(is_negated)
        in_key.append(is_keyed)
        body = _checked_slash(text, text[1:] if is_negated else text, leading_slash, warnings)
        patterns += [_pattern(number, alternative, text) for alternative in _alternatives(body, text)]
    compiled = CompiledFilter(tuple(negated), tuple(in_key), tuple(patterns))
    compiled.warnings = tuple(warnings)
    return compiled


def _checked_slash(text: str, body: str, leading_slash: LeadingSlash, warnings: list[str]) -> str:
    if not body:
        raise UserError(f"empty filter entry `{text}`", hint="`.` stands for the directory itself")
    if body.startswith("!"):
        raise UserError(f"filter entry `{text}` is negated twice", hint=f"write `{body[1:]}` or `{body}`")
    if leading_slash == "required":
        if not body.startswith(("/", "*")):
            raise UserError(f"filter entry `{text}` must begin with `/` or `*`", hint="it is a system path")
    elif body.startswith("/"):
        stripped = body.lstrip("/")
        if leading_slash == "error":
            raise UserError(f"filter entry `{text}` must not begin with `/`", hint=f"write `{stripped}`")
        warnings.append(f"the leading `/` of filter entry `{text}` is dropped: entries are relative")
    return body


def _pattern(number: int, body: str, text: str) -> _Pattern:
    segments = [segment for segment in _split(body) if segment not in ("", ".")]
    if ".." in segments:
        raise UserError(
            f"filter entry `{text}` has a `..` segment", hint="entries stay below their directory"
        )
    return _Pattern(number, tuple(_segment(segment) for segment in segments), body.endswith("/"))


def _split(body: str) -> list[str]:
    """Cut at slashes. Escaped ones too: no name holds a slash."""
    return body.replace("\\/", "/").split("/")


def _alternatives(body: str, text: str) -> list[str]:
    """Expand every `{a,b}`, nested ones too; an unclosed `{` and what is quoted stay as they are."""
    finished: list[str] = []
    pending = [(body, 0)]
    while pending:
        if len(pending) + len(finished) > MAX_ALTERNATIVES:
            raise UserError(f"filter entry `{text}` stands for more than {MAX_ALTERNATIVES} alternatives")
        current, start = pending.pop()
        group = _first_group(current, start)
        if group is None:
            finished.append(current)
            continue
        opening, closing, commas = group
        cuts = [opening, *commas, closing]
        inside = [current[left + 1 : right] for left, right in itertools.pairwise(cuts)]
        pending += [(current[:opening] + part + current[closing + 1 :], opening) for part in inside]
    return finished


def _first_group(body: str, start: int) -> tuple[int, int, list[int]] | None:
    """Where the first closed `{…}` at or after `start` opens and closes, and its own commas."""
    closings: dict[int, int] = {}
    commas: dict[int, list[int]] = {}
    open_groups: list[int] = []
    position = start
    while position < len(body):
        character = body[position]
        if character == "{":
            open_groups.append(position)
            commas[position] = []
        elif character == "," and open_groups:
            commas[open_groups[-1]].append(position)
        elif character == "}" and open_groups:
            closings[open_groups.pop()] = position
        position = _next(body, position)
    first = min(closings, default=None)
    return None if first is None else (first, closings[first], commas[first])


def _next(body: str, position: int) -> int:
    """The place of the character after this one, past what a `\\` quotes and past a whole `[…]` class."""
    if body[position] == "\\":
        return position + 2
    if body[position] == "[":
        end = _class_end(body, position)
        return position + 1 if end is None else end + 1
    return position + 1


def _class_end(segment: str, opening: int) -> int | None:
    """Where the class that opens here closes; a `]` right after the opening stands for itself."""
    position = opening + 1
    if position < len(segment) and segment[position] in "!^":
        position += 1
    position += 2 if segment[position : position + 1] == "\\" else 1  # one member at least, be it a `]`
    while position < len(segment):
        if segment[position] == "/":
            return None
        if segment[position] == "]":
            return position
        position += 2 if segment[position] == "\\" else 1
    return None


def _segment(segment: str) -> str | re.Pattern[str] | None:
    """A `**` as None, a plain name as itself, a glob as a regular expression for one name.

    What lies between two stars is matched at its first place and never given back (an atomic
    group), which is right for globs and keeps the time linear.
    """
    if segment == "**":
        return None
    parts: list[str] = [""]
    literal = ""
    is_glob = False
    position = 0
    while position < len(segment):
        character = segment[position]
        end = _class_end(segment, position) if character == "[" else None
        following = position + 1
        if character == "*":
            parts.append("")
            is_glob = True
        elif character == "?":
            parts[-1] += "."
            is_glob = True
        elif end is not None:
            parts[-1] += _class(segment[position + 1 : end])
            is_glob = True
            following = end + 1
        else:
            if character == "\\" and following < len(segment):
                character = segment[following]
                following += 1
            parts[-1] += re.escape(character)
            literal += character
        position = following
    return re.compile(_joined(parts), re.DOTALL) if is_glob else literal


def _joined(parts: list[str]) -> str:
    """The expression for parts between stars: the first and the last are anchored, the rest float."""
    if len(parts) == 1:
        return parts[0]
    floating = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    return f"{parts[0]}{floating}.*{parts[-1]}"


def _class(members: str) -> str:
    """The inside of `[…]` as a regular expression: `!` and `^` complement, `\\` quotes, `a-z` is a range."""
    complement = members[0] in "!^" and len(members) > 1
    characters: list[tuple[str, bool]] = []  # and whether it was quoted
    position = 1 if complement else 0
    while position < len(members):
        is_quoted = members[position] == "\\" and position + 1 < len(members)
        position += is_quoted
        characters.append((members[position], is_quoted))
        position += 1
    ranges: list[str] = []
    position = 0
    while position < len(characters):
        low = high = characters[position][0]
        if position + 2 < len(characters) and characters[position + 1] == ("-", False):
            high = characters[position + 2][0]
            position += 2
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        position += 1
    if not ranges:  # only ranges that run backwards: nothing is in it
        return "." if complement else "(?!)"
    return f"[{'^' if complement else ''}{''.join(ranges)}]"
