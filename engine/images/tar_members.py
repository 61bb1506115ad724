"""What a tar file says a root filesystem is: entries by path, safe to write, nothing written yet.

Names are taken below the root whatever they say: a leading `/` is dropped, `..` is refused, and a
parent that is a symbolic link is followed inside the root, never on this machine's disk. A later
member replaces an earlier one of the same name. Devices are skipped: /dev is always ours, and a
device 0:0 would read as a deletion.
"""

from __future__ import annotations

import os
import tarfile
from typing import IO, cast

import msgspec

from engine.file_tree import Entry, parents_of
from engine.images.operating_system import follow
from engine.images.tar_stream import ByteSource
from engine.model.errors import UserError
from engine.snapshot.content_stream import ContentStream
from engine.store.attributes import is_kept

_BUFFER = 1 << 20
_TEXTS = frozenset({"passwd", "group", "shadow", "os-release"})  # by base name
_LONGEST_TEXT = 1 << 20
_LONGEST_NAME = 255
_LARGEST_ID = 2**32 - 2
_XATTR = "SCHILY.xattr."
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


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


def read_tar(stream: ByteSource, what: str, below: dict[str, Entry] | None = None) -> TarContent:
    """Read a whole archive, uncompressed, once from front to back.

    `what` names it in errors. below: the tree of the layers below, for an OCI layer; whiteouts mean
    something only then. UserError for what is no tar file, or leads out of the root.
    """
    reader = _Reader(what, below)
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", stream), mode="r|", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            position = 0
            while (member := archive.next()) is not None:
                reader.take(archive, member, position)
                vars(archive)["members"].clear()  # they would all be kept
                position += 1
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"`{what}` cannot be read as a tar file: {str(error).lower()}") from None
    return reader.finish()


class _Reader:
    def __init__(self, what: str, below: dict[str, Entry] | None) -> None:
        self.content = TarContent()
        self._what = what
        self._below = below
        self._positions: dict[str, int] = {}  # of the members that files have their content from
        self._children: dict[str, set[str]] = {}
        self._directories: set[str] = set()  # known to be directories, and so is all above them

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo, position: int) -> None:
        """Enter one member."""
        name = member.name.rstrip("/").rpartition("/")[2]
        if self._below is not None and name.startswith(WHITEOUT):
            self._take_whiteout(self._place(member.name, makes_parents=False), name)
            return
        path = self._place(member.name)
        if not path:
            return
        if member.ischr() or member.isblk():
            return
        if member.islnk():
            self._take_link(path, self._place(member.linkname), member)
            return
        text = [b""] if name in _TEXTS and member.size <= _LONGEST_TEXT else None
        entry = self._entry(archive, member, text)
        self._put(path, entry)
        if entry.kind == "file":
            self._positions[path] = position
        if text is not None:
            self.content.texts[path] = text[0]

    def _place(self, name: str, makes_parents: bool = True) -> str:
        """Where a member goes, links among its parents followed; "" for the root.

        The parents are made sure to be directories; or, if they should not be made, "" where they are not.
        """
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UserError(f"`{self._what}` has a member `{name}` that leads out of the root")
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
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
        return self._below.get(path) if found is None and self._below is not None else found

    def _take_whiteout(self, path: str, name: str) -> None:
        if not path:
            return
        directory = path.rpartition("/")[0]
        if name == OPAQUE:
            self.content.opaque.add(directory)
        elif not name.startswith(WHITEOUT * 2):
            target = name[len(WHITEOUT) :]
            if target in ("", ".", ".."):
                raise UserError(f"`{self._what}` has a whiteout `{path}` of no name")
            self.content.removed.add(f"{directory}/{target}" if directory else target)

    def _take_link(self, path: str, first: str, member: tarfile.TarInfo) -> None:
        entry = self.content.entries.get(first)
        if entry is None and self._below is not None:
            entry = self._below.get(first)
            if entry is not None and entry.kind == "file":
                self._put(path, entry)
                self.content.borrowed[path] = first
                return
        if entry is None or entry.kind == "directory":
            raise UserError(
                f"`{self._what}` has a hard link `{path}` to `{member.linkname}`, which is not there"
            )
        if path == first:
            return
        position = self._positions.get(first)
        borrowed = self.content.borrowed.get(first)
        self._put(path, entry)
        if position is not None:
            self._positions[path] = position
        elif borrowed is not None:
            self.content.borrowed[path] = borrowed

    def _put(self, path: str, entry: Entry) -> None:
        """Enter it in place of what is there; what lies below a directory that it replaces goes."""
        content = self.content
        old = content.entries.get(path)
        if entry.kind != "directory" and path in self._directories:
            self._directories.clear()
        if old is not None and (old.kind != "directory" or entry.kind != "directory"):
            self._forget(path)
        content.entries[path] = entry
        directory, _, name = path.rpartition("/")
        self._children.setdefault(directory, set()).add(name)

    def _forget(self, path: str) -> None:
        """Take an entry out, and all that is below it."""
        content = self.content
        pending = [path]
        while pending:
            gone = pending.pop()
            pending += [f"{gone}/{name}" for name in self._children.pop(gone, ())]
            content.entries.pop(gone, None)
            content.borrowed.pop(gone, None)
            content.texts.pop(gone, None)
            self._positions.pop(gone, None)

    def finish(self) -> TarContent:
        """All of it: of several names of one content, the first by name has it and the others are links."""
        content = self.content
        first: dict[int, str] = {}
        for path in sorted(self._positions):
            position = self._positions[path]
            known = first.setdefault(position, path)
            if known == path:
                content.members[path] = position
            else:
                content.links[path] = known
        return content

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo, text: list[bytes] | None) -> Entry:
        mode = member.mode & 0o7777
        if not (0 <= member.uid <= _LARGEST_ID and 0 <= member.gid <= _LARGEST_ID):
            raise UserError(f"`{self._what}` has a member `{member.name}` of an impossible owner")
        times = int(float(member.mtime) * 1e9) if isinstance(member.mtime, float) else member.mtime * 10**9
        xattrs = _xattrs(member)
        if member.isdir():
            return Entry("directory", mode, member.uid, member.gid, xattrs=xattrs, mtime_ns=times)
        if member.issym():
            return Entry("symlink", 0o777, member.uid, member.gid, target=member.linkname, mtime_ns=times)
        if member.isfifo():
            return Entry("fifo", mode, member.uid, member.gid, mtime_ns=times)
        file = archive.extractfile(member)
        if file is None:
            raise UserError(f"`{self._what}` has a member `{member.name}` of an unknown kind")
        content = ContentStream(member.size)
        while data := file.read(_BUFFER):
            content.update(data)
            if text is not None:
                text[0] += data
        return Entry(
            "file",
            mode,
            member.uid,
            member.gid,
            member.size,
            content.digest(),
            xattrs=xattrs,
            mtime_ns=times,
        )


def _xattrs(member: tarfile.TarInfo) -> tuple[tuple[str, bytes], ...]:
    found = []
    for header, value in member.pax_headers.items():
        name = header.removeprefix(_XATTR)
        if header.startswith(_XATTR) and is_kept(name):
            found.append((name, value.encode("utf-8", "surrogateescape")))
    return tuple(sorted(found))
