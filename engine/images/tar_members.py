"""A tar file that is a root filesystem or a layer of one, as a tree of its members.

Devices are skipped: /dev is always ours, and a device 0:0 would read as a deletion.
"""

from __future__ import annotations

import tarfile
from typing import IO, cast

from engine.file_tree import Entry
from engine.images.member_tree import MemberTree, TarContent
from engine.images.tar_stream import ByteSource
from engine.model.errors import UserError
from engine.snapshot.content_stream import ContentStream
from engine.store.attributes import is_kept

_BUFFER = 1 << 20
_TEXTS = frozenset({"passwd", "group", "shadow", "os-release"})  # by base name
_LONGEST_TEXT = 1 << 20
_XATTR = "SCHILY.xattr."


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
    return reader.tree.finish()


class _Reader:
    def __init__(self, what: str, below: dict[str, Entry] | None) -> None:
        self.tree = MemberTree(what, None if below is None else below.get)
        self._what = what

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo, position: int) -> None:
        """Enter one member."""
        name = member.name.rstrip("/").rpartition("/")[2]
        if self.tree.is_whiteout(name):
            self.tree.take_whiteout(member.name)
            return
        path = self.tree.place(member.name)
        if not path:
            return
        if member.ischr() or member.isblk():
            return
        if member.islnk():
            self.tree.take_link(path, member.linkname)
            return
        text = [b""] if name in _TEXTS and member.size <= _LONGEST_TEXT else None
        self.tree.take(path, self._entry(archive, member, text), position)
        if text is not None:
            self.tree.content.texts[path] = text[0]

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo, text: list[bytes] | None) -> Entry:
        mode = member.mode & 0o7777
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
