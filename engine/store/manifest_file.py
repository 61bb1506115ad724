"""The file beside a layer's tree: a line of JSON about the layer, then its manifest as msgpack."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import os
import zlib
from collections.abc import Callable

import msgspec

from engine.file_tree import Entry, LayerManifest
from engine.model.errors import StoreError
from engine.store import disk
from engine.store.durability import Stamp

FORMAT = 1
STACKED = 2  # the format of layers that stand on another: to whom does not know it they are not there
_HEADER_LIMIT = 512


class LayerHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a layer without reading its manifest. `bytes` is what it takes on the disk.

    stands_on: the layer that it stands on, if any; the body then says only what differs: entries, and as
    `deleted` what is not there any more. part: entries of all such bodies, down to the whole layer.
    """

    format: int = FORMAT
    bytes: int
    entries: int
    is_shared: bool  # some files are hard links into other layers
    kind: str = "layers"  # what `outcrop du` counts it as
    stamp: Stamp
    body: int  # bytes of msgpack that follow
    checksum: int  # crc32 of these
    stands_on: str = ""
    part: int = 0
    is_escaped: bool = False  # names that are not UTF-8: every string went through `_escape`


class _Body(msgspec.Struct, frozen=True, array_like=True):
    entries: dict[str, Entry]
    deleted: tuple[str, ...]
    passed: dict[str, Entry]
    links: dict[str, str]
    emptied: tuple[str, ...]


_Conversion = Callable[[str], str]

_decode_body = msgspec.msgpack.Decoder(_Body).decode
_decode_header = msgspec.json.Decoder(LayerHeader).decode


def encode(
    manifest: LayerManifest,
    stamp: Stamp,
    size: int,
    is_shared: bool,
    kind: str = "layers",
    *,
    count: int | None = None,
    stands_on: str = "",
    part: int = 0,
) -> bytes:
    """The bytes of the file; `size` is what the tree takes on the disk.

    Of a layer that stands on another, `manifest` is what differs and `count` its entries in all.
    """
    parts = (manifest.entries, manifest.deleted, manifest.passed, manifest.links, manifest.emptied)
    is_escaped = False
    try:
        body = msgspec.msgpack.encode(_Body(*parts))
    except UnicodeEncodeError:
        is_escaped = True
        body = msgspec.msgpack.encode(_converted(_Body(*parts), _escape))
    header = LayerHeader(
        format=STACKED if stands_on else FORMAT,
        bytes=size,
        entries=len(manifest.entries) if count is None else count,
        is_shared=is_shared,
        kind=kind,
        stamp=stamp,
        body=len(body),
        checksum=zlib.crc32(body),
        stands_on=stands_on,
        part=part,
        is_escaped=is_escaped,
    )
    return msgspec.json.encode(header) + b"\n" + body


def read_header(path: str) -> LayerHeader | None:
    """The header, or None when the file is missing, cut short or of another format."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        line = os.read(descriptor, _HEADER_LIMIT).partition(b"\n")
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    try:
        header = _decode_header(line[0])
    except msgspec.DecodeError:
        return None
    if not _is_known(header) or size != len(line[0]) + 1 + header.body:
        return None
    return header


def _is_known(header: LayerHeader) -> bool:
    return header.format == (STACKED if header.stands_on else FORMAT)


def read(path: str) -> LayerManifest:
    """The manifest of a layer that stands on no other; StoreError when it is missing or damaged."""
    header, manifest = read_with_header(path)
    if header.stands_on:
        raise StoreError(f"layer manifest `{path}` is only a part")
    return manifest


def read_with_header(path: str) -> tuple[LayerHeader, LayerManifest]:
    """The header and what the file says; StoreError when it is missing or damaged."""
    content = disk.read_file(path)
    if content is None:
        raise StoreError(
            f"layer manifest `{path}` is missing", hint="run again: what made the layer is then done anew"
        )
    line, _, body = content.partition(b"\n")
    try:
        header = _decode_header(line)
        if not _is_known(header) or zlib.crc32(body) != header.checksum:
            raise StoreError(
                f"layer manifest `{path}` is damaged", hint="run again: what made the layer is then done anew"
            )
        decoded = _decode_body(body)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"layer manifest `{path}` is damaged", hint="run again: what made the layer is then done anew"
        ) from error
    if header.is_escaped:
        decoded = _converted(decoded, _unescape)
    return header, LayerManifest(
        decoded.entries, decoded.deleted, decoded.passed, decoded.links, decoded.emptied
    )


def _escape(text: str) -> str:
    """Bytes as the characters of the same number: any file name becomes valid text, and back."""
    return os.fsencode(text).decode("latin-1")


def _unescape(text: str) -> str:
    return os.fsdecode(text.encode("latin-1"))


def _converted(body: _Body, convert: _Conversion) -> _Body:
    def entries(given: dict[str, Entry]) -> dict[str, Entry]:
        return {convert(path): _with_text(entry, convert) for path, entry in given.items()}

    return _Body(
        entries(body.entries),
        tuple(convert(path) for path in body.deleted),
        entries(body.passed),
        {convert(later): convert(first) for later, first in body.links.items()},
        tuple(convert(path) for path in body.emptied),
    )


def _with_text(entry: Entry, convert: _Conversion) -> Entry:
    xattrs = tuple((convert(name), value) for name, value in entry.xattrs)
    return msgspec.structs.replace(entry, target=convert(entry.target), xattrs=xattrs)
