"""Finding an image in an OCI layout, a directory or what else holds such files (OCI image spec:
image-layout, image-index, manifest)."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol, TypeVar

import msgspec

from engine.model.errors import UserError

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"
_LARGEST_DOCUMENT = 16 << 20
_DEPTH = 8  # indexes within indexes

# As `uname -m` calls a machine -> as Go, and so OCI, does.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i686": "386",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}


_Document = TypeVar("_Document")


class _Platform(msgspec.Struct, frozen=True):
    architecture: str = ""
    os: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """Where a blob is and what it is."""

    digest: str
    size: int = -1
    media_type: str = ""
    annotations: dict[str, str] | None = None
    platform: _Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[Descriptor, ...]


class ImageManifest(msgspec.Struct, frozen=True):
    """The layers, lowest first, and the configuration."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class RootFs(msgspec.Struct, frozen=True):
    """`diff_ids`: the digests of the uncompressed layers."""

    diff_ids: tuple[str, ...] = ()


class ContainerConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of the configuration that counts here."""

    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None


class ImageConfiguration(msgspec.Struct, frozen=True):
    """config.md of the image spec, as far as it counts here."""

    architecture: str = ""
    os: str = ""
    config: ContainerConfig | None = None
    rootfs: RootFs = RootFs()


class FoundImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the layout; `digest` is that of its manifest. `name`: its tag, "" when it has none."""

    digest: str
    name: str = ""
    manifest: ImageManifest
    configuration: ImageConfiguration


class Layout(Protocol):
    """Where the files of a layout are; `name` is for errors. `read` raises UserError."""

    @property
    def name(self) -> str: ...

    def read(self, path: str, most: int) -> bytes:
        """A whole file by its path in the layout; one byte more than `most` of a larger one."""
        ...


class LayoutDirectory:
    """A layout in a directory."""

    def __init__(self, directory: str) -> None:
        self.name = directory

    def read(self, path: str, most: int) -> bytes:
        """A whole file, or one byte more than `most`."""
        place = os.path.join(self.name, path)
        try:
            with open(place, "rb") as file:
                return file.read(most + 1)
        except OSError as error:
            raise UserError(f"cannot read `{place}`: {(error.strerror or '').lower()}") from None


def find_image(layout: Layout, tag: str | None, machine: str | None) -> FoundImage:
    """The image with this tag, or the only one, for `machine` (as `uname -m` has it; None: for any).

    UserError when there is no such image, several, or a document is damaged; NoneFitsError when there is
    none for that machine.
    """
    index = decode(read_document(layout, "index.json"), _Index, f"{layout.name}/index.json")
    candidates = index.manifests
    if tag is not None:
        candidates = tuple(one for one in candidates if tag in _names(one))
        if not candidates:
            raise UserError(f"`{layout.name}` has no image with the tag `{tag}`", hint=_tags_hint(index))
    descriptor = _choose(layout, candidates, machine, 0)
    content = read_blob(layout, descriptor)
    manifest = decode(content, ImageManifest, descriptor.digest)
    configuration = decode(read_blob(layout, manifest.config), ImageConfiguration, manifest.config.digest)
    if len(configuration.rootfs.diff_ids) != len(manifest.layers):
        raise UserError(
            f"image `{descriptor.digest}` names {len(manifest.layers)} layers in its manifest"
            f" and {len(configuration.rootfs.diff_ids)} in its configuration"
        )
    name = tag or next(iter(_names(descriptor)), "")
    return FoundImage(digest=descriptor.digest, name=name, manifest=manifest, configuration=configuration)


def blob_name(digest: str) -> str:
    """Where a blob lies in a layout; UserError for a digest that is none."""
    algorithm, _, text = digest.partition(":")
    if algorithm != "sha256" or len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise UserError(f"`{digest}` is no sha256 digest")
    return f"blobs/{algorithm}/{text}"


def blob_path(directory: str, digest: str) -> str:
    """Where a blob of a layout directory lies; UserError for a digest that is none."""
    return os.path.join(directory, blob_name(digest))


def read_blob(layout: Layout, descriptor: Descriptor) -> bytes:
    """A document by its digest, verified."""
    content = read_document(layout, blob_name(descriptor.digest))
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != descriptor.digest:
        raise UserError(f"blob `{descriptor.digest}` in `{layout.name}` is damaged")
    return content


def _choose(
    layout: Layout, candidates: tuple[Descriptor, ...], machine: str | None, depth: int
) -> Descriptor:
    """The manifest for this machine: candidates without a platform fit any, indexes are looked into."""
    if depth > _DEPTH:
        raise UserError(f"`{layout.name}` has indexes within indexes beyond all measure")
    fitting = []
    for candidate in candidates:
        if not _fits(candidate.platform, machine):
            continue
        if candidate.media_type in _INDEXES:
            inner = decode(read_blob(layout, candidate), _Index, candidate.digest)
            try:
                found = _choose(layout, inner.manifests, machine, depth + 1)
            except NoneFitsError:
                continue
            fitting.append(msgspec.structs.replace(found, annotations=candidate.annotations))
        elif candidate.media_type in _MANIFESTS or not candidate.media_type:
            fitting.append(candidate)
    different = list(dict.fromkeys(one.digest for one in fitting))
    if not different:
        wanted = "" if machine is None else f" for linux/{ARCHITECTURES.get(machine, machine)}"
        raise NoneFitsError(f"`{layout.name}` has no image{wanted}")
    if len(different) > 1:
        hint = _tags_hint(_Index(candidates)) if machine else _platforms_hint(candidates)
        if len({names[0] for one in candidates if (names := _names(one))}) > 1:
            hint = f"{_tags_hint(_Index(candidates))}: choose one by `:TAG` after the path"
        raise UserError(f"`{layout.name}` has {len(different)} images that fit", hint=hint)
    return next(one for one in fitting if one.digest == different[0])


def _fits(platform: _Platform | None, machine: str | None) -> bool:
    if platform is None:
        return True
    if machine is None:
        return platform.os != "unknown"  # attestations of BuildKit
    wanted = ARCHITECTURES.get(machine, machine)
    return (platform.os or "linux", platform.architecture or wanted) == ("linux", wanted)


class NoneFitsError(UserError):
    """No image for this machine."""


def _names(descriptor: Descriptor) -> list[str]:
    """The tag and the whole name, as far as they are told."""
    annotations = descriptor.annotations or {}
    return list(filter(None, (annotations.get(_NAME), annotations.get(_FULL_NAME))))


def _tags_hint(index: _Index) -> str:
    tags = sorted({names[0] for one in index.manifests if (names := _names(one))})
    return f"its tags are {', '.join(f'`{tag}`' for tag in tags)}" if tags else "its images have no tags"


def _platforms_hint(candidates: tuple[Descriptor, ...]) -> str:
    platforms = {f"{one.platform.os}/{one.platform.architecture}" for one in candidates if one.platform}
    return f"they are for {', '.join(sorted(platforms))}" if platforms else _tags_hint(_Index(candidates))


def read_document(layout: Layout, path: str) -> bytes:
    """A whole document; UserError when it is not there or too large to be one."""
    content = layout.read(path, _LARGEST_DOCUMENT)
    if len(content) > _LARGEST_DOCUMENT:
        raise UserError(f"`{layout.name}/{path}` is too large for a document of an image")
    return content


def decode(content: bytes, kind: type[_Document], what: str) -> _Document:
    """A document of an image; UserError, which names `what`, when it is not of this kind."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"`{what}` is not as the OCI image spec says: {str(error).lower()}") from None
