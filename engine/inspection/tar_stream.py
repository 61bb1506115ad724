"""Files of a place as the bytes of a tar, made as they are read."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator

from engine.file_tree import DIRECTORY, Entry
from engine.inspection.contents import Opened
from engine.inspection.state_files import StateFile
from engine.inspection.tar_header import tar_info
from engine.model.errors import OutcropError

REFUSED = "OUTCROP.refused"  # the last header of a tar that could not be finished: why
_CHUNK = 1 << 18


def tar(files: Iterator[StateFile], path: str, opened: Callable[[StateFile], Opened]) -> Iterator[bytes]:
    """The tar of what is at `path`, which comes first, and below it; as root would unpack it.

    A directory itself is `.`, anything else has its own name. What goes wrong on the way is told by a
    last header, `REFUSED`. In pieces of some size.
    """
    return _joined(_tar(files, path, opened))


def _tar(files: Iterator[StateFile], path: str, opened: Callable[[StateFile], Opened]) -> Iterator[bytes]:
    cut = len(path) + 1 if path else 0
    try:
        for file in files:
            name, entry = file.path[cut:], file.entry
            if file.path == path:
                name = "." if entry.kind == DIRECTORY else path.rpartition("/")[2]
            if entry.kind != "file":
                yield _header(name, entry)
                continue
            with opened(file) as content:
                yield _header(name, entry)
                yield from content.chunks(_CHUNK)
                yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    except (OutcropError, OSError) as error:
        why = error.message if isinstance(error, OutcropError) else str(error)
        yield tarfile.TarInfo.create_pax_global_header({REFUSED: why})
        yield tarfile.TarInfo(REFUSED).tobuf(tarfile.PAX_FORMAT)  # a header must be followed by another
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _header(name: str, entry: Entry) -> bytes:
    return tar_info(name, entry).tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
