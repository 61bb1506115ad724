"""What the members of an archive add up to: entries by path, safe to write, nothing written yet.

Names are taken below the root whatever they say: a leading `/` is dropped, `..` is refused, and a
parent that is a symbolic link is followed inside the root, never on this machine's disk. A later
member replaces an earlier one of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from engine.file_tree import Entry, parents_of
from engine.images.operating_system import follow
from engine.model.errors import UserError

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_LONGEST_NAME = 255
_LONGEST_PATH = 4096
_LARGEST_ID = 2**32 - 2


class TarContent(msgspec.Struct, kw_only=True):
    """What the members add up to.

    members: for each file with content of its own, the position of its member in the archive.
    links: later name -> first name, of hard links. removed, opaque: whiteouts of an OCI layer.
    texts: contents of the few files that say what the system is and who its users are.
    borrowed: files that are hard links to a file of a layer below: path -> path there.
    """

    entries: dict[str, Entry] = {}
    members: dict[str, int] = {}
    links: dict[str, str] = {}
    removed: set[str] = set()
    opaque: set[str] = set()
    borrowed: dict[str, str] = {}
    texts: dict[str, bytes] = {}


class MemberTree:
    """Members are taken in the order of the archive; `what` names it in errors.

    below: what the layers below have at a path, for an OCI layer; whiteouts mean something only then.
    """

    def __init__(self, what: str, below: Callable[[str], Entry | None] | None) -> None:
        self.content = TarContent()
        self._what = what
        self._below = below
        self._positions: dict[str, int] = {}  # of the members that files have their content from
        self._children: dict[str, set[str]] | None = None  # only made when a directory is replaced
        self._directories: set[str] = set()  # known to be directories, and so is all above them

    def place(self, name: str, makes_parents: bool = True) -> str:
        """Where a member goes, links among its parents followed; "" for the root.

        The parents are made sure to be directories; or, if they should not be made, "" where they are not.
        UserError for a name that leads out of the root, or is too long for a file.
        """
        if len(name) > _LONGEST_PATH:
            raise UserError(f"`{self._what}` has a member with a path of more than {_LONGEST_PATH} bytes")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UserError(f"`{self._what}` has a member `{name}` that leads out of the root")
        if len(name) > _LONGEST_NAME // 4 and any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
            raise UserError(f"`{self._what}` has a member with a name of more than {_LONGEST_NAME} bytes")
        if len(parts) < 2:
            return "".join(parts)
        parent = "/".join(parts[:-1])
        if parent not in self._directories:
            found = self._real_parent(parts[:-1], name, makes_parents)
            if found is None:
                return ""
            parent = found
            self._directories.update((parent, *parents_of(parent)))
        return f"{parent}/{parts[-1]}" if parent else parts[-1]

    def is_whiteout(self, name: str) -> bool:
        """Whether a member of this last name is a whiteout here."""
        return self._below is not None and name.startswith(WHITEOUT)

    def take_whiteout(self, member_name: str) -> None:
        """Enter a whiteout of an OCI layer."""
        path = self.place(member_name, makes_parents=False)
        if not path:
            return
        directory, _, name = path.rpartition("/")
        if name == OPAQUE:
            self.content.opaque.add(directory)
        elif not name.startswith(WHITEOUT * 2):
            target = name[len(WHITEOUT) :]
            if target in ("", ".", ".."):
                raise UserError(f"`{self._what}` has a whiteout `{path}` of no name")
            self.content.removed.add(f"{directory}/{target}" if directory else target)

    def take(self, path: str, entry: Entry, position: int) -> None:
        """Enter a member that is no hard link, at a place that `place` gave."""
        if not (0 <= entry.uid <= _LARGEST_ID and 0 <= entry.gid <= _LARGEST_ID):
            raise UserError(f"`{self._what}` has a member `{path}` of an impossible owner")
        self._put(path, entry)
        if entry.kind == "file":
            self._positions[path] = position

    def take_link(self, path: str, linkname: str) -> None:
        """Enter a hard link, of an earlier member or a file of a layer below."""
        first = self.place(linkname)
        entry = self.content.entries.get(first)
        if entry is None and self._below is not None:
            entry = self._below(first)
            if entry is not None and entry.kind == "file":
                self._put(path, entry)
                self.content.borrowed[path] = first
                return
        if entry is None or entry.kind == "directory":
            raise UserError(f"`{self._what}` has a hard link `{path}` to `{linkname}`, which is not there")
        if path == first:
            return
        position = self._positions.get(first)
        borrowed = self.content.borrowed.get(first)
        self._put(path, entry)
        if position is not None:
            self._positions[path] = position
        elif borrowed is not None:
            self.content.borrowed[path] = borrowed

    def finish(self) -> TarContent:
        """All of it, once: of several names of a content the first has it, and the others are links."""
        content = self.content
        first: dict[int, str] = {}
        for path in sorted(self._positions):
            position = self._positions[path]
            known = first.setdefault(position, path)
            if known == path:
                content.members[path] = position
            else:
                content.links[path] = known
        self._positions.clear()
        return content

    def _real_parent(self, parts: list[str], name: str, makes_parents: bool) -> str | None:
        done = ""
        for part in parts:
            path = f"{done}/{part}" if done else part
            entry = self._get(path)
            if entry is not None and entry.kind == "symlink":
                target = follow(self._get, path)
                found = None if target is None else self._get(target)
                if target is None or (target and (found is None or found.kind != "directory")):
                    raise UserError(f"`{self._what}` has a member `{name}` below a link that leads nowhere")
                path = target
            elif entry is None or entry.kind != "directory":
                if not makes_parents:
                    return None
                self._put(path, Entry("directory", 0o755, 0, 0))
            done = path
        return done

    def _get(self, path: str) -> Entry | None:
        """What is at `path` by now, if what is above it are directories."""
        found = self.content.entries.get(path)
        return self._below(path) if found is None and self._below is not None else found

    def _put(self, path: str, entry: Entry) -> None:
        """Enter it in place of what is there; what lies below a directory that it replaces goes."""
        content = self.content
        old = content.entries.get(path)
        if entry.kind != "directory" and path in self._directories:
            self._directories.clear()
        if old is not None and (old.kind != "directory" or entry.kind != "directory"):
            self._forget(path, old)
        content.entries[path] = entry
        if self._children is not None:
            self._enter_child(path)

    def _enter_child(self, path: str) -> None:
        assert self._children is not None
        directory, _, name = path.rpartition("/")
        self._children.setdefault(directory, set()).add(name)

    def _forget(self, path: str, old: Entry) -> None:
        """Take an entry out, and all that is below it."""
        content = self.content
        if old.kind == "directory" and self._children is None:
            self._children = {}
            for known in content.entries:
                self._enter_child(known)
        pending = [path]
        while pending:
            gone = pending.pop()
            if self._children is not None:
                pending += [f"{gone}/{name}" for name in self._children.pop(gone, ())]
            content.entries.pop(gone, None)
            content.borrowed.pop(gone, None)
            content.texts.pop(gone, None)
            self._positions.pop(gone, None)
