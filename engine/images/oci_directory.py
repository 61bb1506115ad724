"""`oci:DIR[:TAG]`: an image in an OCI layout directory; one layer of the store for each of its layers.

Whiteouts become deletions, as relative to the layers below (OCI image spec, layer.md): an opaque
whiteout is turned into a deletion of each thing below that the layer does not bring back. What a
chain of blobs gave is remembered by their digests, so nothing is unpacked twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from engine.file_tree import Entry, FileTree, LayerManifest, apply_layer, manifest_digest, parents_of
from engine.images.base_image import BaseContext, SourceImage
from engine.images.oci_layout import FoundImage, LayoutDirectory, blob_path, find_image
from engine.images.remembered import digest_of_file
from engine.model.errors import UserError
from engine.pending_layer import LayerSink, PendingLayer
from engine.snapshot.cache_file import recall, remember

if TYPE_CHECKING:
    from engine.images.member_tree import TarContent

_ROOT = Entry("directory", 0o755, 0, 0)


class _Known(msgspec.Struct, frozen=True):
    layers: tuple[str, ...]


def oci_image(name: str, place: str, context: BaseContext) -> SourceImage:
    """The image at `DIR[:TAG]`; UserError for what is not there or not as the spec says."""
    directory, tag = _split(place)
    found = find_image(LayoutDirectory(os.path.normpath(directory)), tag, os.uname().machine)
    layers = _layers(os.path.normpath(directory), found, context.layers)
    question = f"oci 1 {found.digest}"
    known = recall(context.store_root, question, _Known)
    if known is None:
        known = _Known(tuple(manifest_digest(layer.manifest) for layer in layers))
        remember(context.store_root, question, known)
    pending = tuple(
        PendingLayer(digest=digest, manifest=_manifest_of(layer), fill=layer.fill)
        for digest, layer in zip(known.layers, layers, strict=True)
    )
    for layer, digest in zip(layers, known.layers, strict=True):
        layer.digest = digest
    config = found.configuration.config
    return SourceImage(
        name=name,
        identity=found.digest,
        pending=pending,
        tree=lambda: layers[-1].tree if layers else {},
        read=lambda path: layers[-1].read(path) if layers else None,
        environment=_environment(config.env if config else None),
        entrypoint=config.entrypoint if config else None,
        command=config.cmd if config else None,
    )


def _split(place: str) -> tuple[str, str | None]:
    """Directory and tag; a directory whose own name has a colon is found first."""
    if os.path.isdir(place):
        return place, None
    directory, colon, tag = place.rpartition(":")
    if colon and "/" not in tag and os.path.isdir(directory):
        return directory, tag
    raise UserError(f"`{place}` is not a directory")


def _environment(variables: tuple[str, ...] | None) -> dict[str, str]:
    pairs = (variable.partition("=") for variable in variables or ())
    return {name: value for name, _, value in pairs if name}


def _layers(directory: str, found: FoundImage, sink: LayerSink) -> list[_Layer]:
    layers: list[_Layer] = []
    blobs = zip(found.manifest.layers, found.configuration.rootfs.diff_ids, strict=True)
    for descriptor, diff_id in blobs:
        below = layers[-1] if layers else None
        layers.append(_Layer(directory, descriptor.digest, diff_id, below, sink))
    return layers


def _manifest_of(layer: _Layer) -> Callable[[], LayerManifest]:
    return lambda: layer.manifest


class _Layer:
    """One layer of an image, read when it is asked for."""

    def __init__(
        self, directory: str, blob: str, diff_id: str, below: _Layer | None, sink: LayerSink
    ) -> None:
        self.digest = ""
        self._blob = blob
        self._path = blob_path(directory, blob)
        self._diff_id = diff_id
        self._below = below
        self._sink = sink

    @cached_property
    def content(self) -> TarContent:
        """The members of the blob, both digests verified."""
        # Late, as below: reading archives takes modules that cost start-up time.
        from engine.images.tar_members import read_tar
        from engine.images.tar_stream import HashingReader, open_tar

        below = {} if self._below is None else self._below.tree
        if f"sha256:{digest_of_file(self._path)}" != self._blob:
            raise UserError(f"blob `{self._blob}` is damaged")
        with open_tar(self._path, self._blob) as stream:
            plain = HashingReader(stream)
            content = read_tar(plain, self._blob, below)
            diff_id = f"sha256:{plain.drain()}"
        if diff_id != self._diff_id:
            raise UserError(f"layer `{self._blob}` is not the `{self._diff_id}` that the image names")
        return content

    @cached_property
    def manifest(self) -> LayerManifest:
        """As a layer of the store."""
        return layer_manifest(self.content, {} if self._below is None else self._below.tree)

    @cached_property
    def tree(self) -> FileTree:
        """This layer upon all below."""
        tree = {} if self._below is None else dict(self._below.tree)
        apply_layer(tree, self.manifest)
        return tree

    def read(self, path: str) -> bytes | None:
        """The content of one of the small files that were kept."""
        if path in self.manifest.entries:
            return self.content.texts.get(path)
        return None if self._below is None else self._below.read(path)

    def fill(self, manifest: LayerManifest, directory: str) -> None:
        """Write the layer; those below are in the store already."""
        from engine.images.tar_stream import open_tar
        from engine.images.tar_writer import write_tar

        with open_tar(self._path, self._blob) as stream:
            write_tar(stream, self._blob, self.content, manifest, directory, self._borrow)

    def _borrow(self, path: str) -> str:
        """Where a file of a layer below lies in the store."""
        layer = self._below
        while layer is not None and path not in layer.manifest.entries:
            layer = layer._below
        if layer is None:
            raise UserError(f"`{self._blob}` has a hard link to `{path}`, which is not there")
        return os.path.join(self._sink.tree_path(layer.digest), path)


def layer_manifest(content: TarContent, below: FileTree) -> LayerManifest:
    """A layer of the store from the members of a tar file and the tree it lies on."""
    entries = dict(content.entries)
    hidden = _hidden(content, below)
    passed: dict[str, Entry] = {"": _ROOT}
    for path in list(entries):
        for parent in parents_of(path):
            if parent in entries or parent in passed:
                continue
            lower = None if parent in hidden else below.get(parent)
            if lower is not None and lower.kind == "directory":
                passed[parent] = lower
            else:
                entries[parent] = Entry("directory", 0o755, 0, 0)
    deleted = []
    for path in hidden:
        if path in entries:
            continue
        parent = path.rpartition("/")[0]
        above = entries.get(parent)
        if parent not in hidden or (above is not None and above.kind == "directory"):
            deleted.append(path)
    for path in deleted:
        for parent in parents_of(path):
            if parent not in entries and parent not in passed:
                passed[parent] = below[parent]
    return LayerManifest(
        entries=dict(sorted(entries.items())),
        deleted=tuple(sorted(deleted)),
        passed=dict(sorted(passed.items())),
        links=dict(sorted(content.links.items())),
    )


def _hidden(content: TarContent, below: FileTree) -> set[str]:
    """What of the tree below the whiteouts take away."""
    if not content.removed and not content.opaque:
        return set()
    hidden = set()
    for path in below:
        if path in content.removed:
            hidden.add(path)
            continue
        for parent in parents_of(path):
            if parent in content.removed or parent in content.opaque:
                if path:
                    hidden.add(path)
                break
    return hidden
