"""Writing the layer that a tar file was found to hold, reading it a second time."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable
from typing import IO

from engine.file_tree import Entry, LayerManifest
from engine.images.member_tree import TarContent
from engine.model.errors import UserError
from engine.pending_layer import ChangedMeanwhileError
from engine.snapshot.content_stream import ContentStream
from engine.snapshot.write_tree import finish_entry

_BUFFER = 1 << 20
_HOLE = 64 << 10  # runs of zeros from this length on become holes in sparse members


def write_tar(
    stream: IO[bytes],
    what: str,
    content: TarContent,
    manifest: LayerManifest,
    directory: str,
    borrow: Callable[[str], str],
) -> None:
    """Write `manifest` into an empty directory. Only names of the manifest are used, all of whose
    parents are directories made here, so nothing can be written elsewhere.

    borrow: where a file of a layer below lies on disk. ChangedMeanwhileError when the archive is
    not what it was.
    """
    entries = manifest.entries
    both = sorted({**manifest.passed, **entries}.items())
    for path, entry in both:
        if path and entry.kind == "directory":
            os.mkdir(os.path.join(directory, path), 0o700)
    wanted = {position: path for path, position in content.members.items() if path in entries}
    try:
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
            position = 0
            while (member := archive.next()) is not None:
                if (path := wanted.pop(position, "")) != "":
                    source = archive.extractfile(member)
                    if source is None:
                        raise ChangedMeanwhileError(f"`{what}` has just changed")
                    _write_file(source, os.path.join(directory, path), entries[path], member.issparse(), what)
                vars(archive)["members"].clear()  # they would all be kept
                position += 1
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"`{what}` cannot be read as a tar file: {str(error).lower()}") from None
    if wanted:
        raise ChangedMeanwhileError(f"`{what}` has just changed")
    _write_others(content, manifest, directory, borrow, what)
    for path, entry in reversed(both):
        if entry.kind == "directory":
            finish_entry(os.path.join(directory, path) if path else directory, entry)


def _write_others(
    content: TarContent, manifest: LayerManifest, directory: str, borrow: Callable[[str], str], what: str
) -> None:
    """All but directories and files with content of their own."""
    for path, entry in manifest.entries.items():
        target = os.path.join(directory, path)
        if path in manifest.links:
            continue
        if path in content.borrowed:
            with open(borrow(content.borrowed[path]), "rb") as source:
                _write_file(source, target, entry, False, what)
        elif entry.kind == "symlink":
            os.symlink(entry.target, target)
            finish_entry(target, entry)
        elif entry.kind == "fifo":
            os.mkfifo(target, 0o600)
            finish_entry(target, entry)
    for later, first in manifest.links.items():
        os.link(os.path.join(directory, first), os.path.join(directory, later), follow_symlinks=False)
    for path in manifest.deleted:
        os.mknod(os.path.join(directory, path), stat.S_IFCHR, 0)


def _write_file(source: IO[bytes], target: str, entry: Entry, is_sparse: bool, what: str) -> None:
    digest = ContentStream(entry.size)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        while data := source.read(_HOLE if is_sparse else _BUFFER):
            digest.update(data)
            if is_sparse and not any(data):
                os.lseek(descriptor, len(data), os.SEEK_CUR)
                continue
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        if is_sparse:
            os.ftruncate(descriptor, entry.size)
    finally:
        os.close(descriptor)
    if digest.digest() != entry.digest:
        raise ChangedMeanwhileError(f"`{what}` has just changed")
    finish_entry(target, entry)
