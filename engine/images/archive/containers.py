"""Where the documents and layers of an image lie: in a directory, or as members of a tar file."""

from __future__ import annotations

import os
import posixpath
from typing import Protocol

from engine.images.archive.file_range import FileRange, RangeReader, open_regular
from engine.images.archive.tar_headers import Member, TarReader
from engine.model.errors import UserError

_MOST_MEMBERS = 200_000
_MOST_LINKS = 40


class Container(Protocol):
    """`name` is for errors. Paths are relative to the container."""

    @property
    def name(self) -> str: ...

    def find(self, path: str) -> FileRange | None:
        """Where the file at a path lies; None when there is none."""
        ...

    def read(self, path: str, most: int) -> bytes:
        """A whole file, one byte more than `most` of a larger one; UserError when there is none."""
        ...


class DirectoryContainer:
    """An OCI layout directory."""

    def __init__(self, directory: str) -> None:
        self.name = directory

    def find(self, path: str) -> FileRange | None:
        """A regular file; build tools make links of blobs, which are followed."""
        place = os.path.realpath(os.path.join(self.name, path))
        if not os.path.lexists(place):
            return None
        descriptor = open_regular(place)
        try:
            return FileRange(place, 0, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)

    def read(self, path: str, most: int) -> bytes:
        """A whole file."""
        return _read(self, path, most)


class TarContainer:
    """A tar file that is not compressed; its members are listed once."""

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self._path = path
        self._members: dict[str, FileRange] = {}
        self._links: dict[str, str] = {}
        descriptor = open_regular(path)
        try:
            self._list(descriptor)
        finally:
            os.close(descriptor)

    def find(self, path: str) -> FileRange | None:
        """A member, links followed inside the archive."""
        place = _normal(path)
        for _ in range(_MOST_LINKS):
            if place in self._members:
                return self._members[place]
            if place not in self._links:
                return None
            place = self._links[place]
        return None

    def read(self, path: str, most: int) -> bytes:
        """A whole member."""
        return _read(self, path, most)

    def _list(self, descriptor: int) -> None:
        reader = TarReader(RangeReader(descriptor, 0, os.fstat(descriptor).st_size), self.name)
        count = 0
        while (member := _next(reader, self.name, is_first=count == 0)) is not None:
            count += 1
            if count > _MOST_MEMBERS:
                raise UserError(f"`{self.name}` has more than {_MOST_MEMBERS} members: it is no image")
            name = _normal(member.name)
            self._members.pop(name, None)  # a later member replaces an earlier one
            self._links.pop(name, None)
            if member.kind == "file" and member.pieces is None:
                self._members[name] = FileRange(self._path, member.offset, member.stored)
            elif member.kind == "link":
                self._links[name] = _normal(member.target)
            elif member.kind == "symlink":
                self._links[name] = _normal(posixpath.join(posixpath.dirname(name), member.target))


def _next(reader: TarReader, name: str, *, is_first: bool) -> Member | None:
    try:
        return reader.next()
    except UserError:
        if is_first:
            raise UserError(f"`{name}` is no image: neither an OCI directory nor a tar file") from None
        raise


def _read(container: Container, path: str, most: int) -> bytes:
    place = container.find(path)
    if place is None:
        raise UserError(f"`{container.name}` has no `{path}`")
    descriptor = open_regular(place.path)
    try:
        reader = RangeReader(descriptor, place.offset, place.length)
        parts = []
        missing = min(most + 1, place.length)
        while missing and (data := reader.read(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _normal(path: str) -> str:
    """Without `.`, `..` and slashes at its ends."""
    return posixpath.normpath(f"/{path}").lstrip("/")
