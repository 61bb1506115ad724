"""Finding an image in an OCI layout directory (OCI image spec: image-layout, image-index, manifest)."""

from __future__ import annotations

import hashlib
import os
from typing import TypeVar

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


_Document = TypeVar("_Document", bound=msgspec.Struct)


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
    """An image of the layout; `digest` is that of its manifest."""

    digest: str
    manifest: ImageManifest
    configuration: ImageConfiguration


def find_image(directory: str, tag: str | None, machine: str) -> FoundImage:
    """The image with this tag, or the only one, for `machine` (as `uname -m` has it).

    UserError when there is no such image, several, or a document is damaged.
    """
    index = _decode(_read(os.path.join(directory, "index.json")), _Index, f"{directory}/index.json")
    candidates = index.manifests
    if tag is not None:
        candidates = tuple(one for one in candidates if (one.annotations or {}).get(_NAME) == tag)
        if not candidates:
            raise UserError(f"`{directory}` has no image with the tag `{tag}`", hint=_tags_hint(index))
    descriptor = _choose(directory, candidates, machine, 0)
    content = read_blob(directory, descriptor)
    manifest = _decode(content, ImageManifest, descriptor.digest)
    configuration = _decode(read_blob(directory, manifest.config), ImageConfiguration, manifest.config.digest)
    if len(configuration.rootfs.diff_ids) != len(manifest.layers):
        raise UserError(
            f"image `{descriptor.digest}` names {len(manifest.layers)} layers in its manifest"
            f" and {len(configuration.rootfs.diff_ids)} in its configuration"
        )
    return FoundImage(digest=descriptor.digest, manifest=manifest, configuration=configuration)


def blob_path(directory: str, digest: str) -> str:
    """Where a blob lies; UserError for a digest that is none."""
    algorithm, _, text = digest.partition(":")
    if algorithm != "sha256" or len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise UserError(f"`{digest}` is no sha256 digest")
    return os.path.join(directory, "blobs", algorithm, text)


def read_blob(directory: str, descriptor: Descriptor) -> bytes:
    """A document by its digest, verified."""
    content = _read(blob_path(directory, descriptor.digest))
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != descriptor.digest:
        raise UserError(f"blob `{descriptor.digest}` in `{directory}` is damaged")
    return content


def _choose(directory: str, candidates: tuple[Descriptor, ...], machine: str, depth: int) -> Descriptor:
    """The manifest for this machine: candidates without a platform fit any, indexes are looked into."""
    if depth > _DEPTH:
        raise UserError(f"`{directory}` has indexes within indexes beyond all measure")
    wanted = ARCHITECTURES.get(machine, machine)
    fitting = []
    for candidate in candidates:
        platform = candidate.platform
        if platform is not None and (platform.os or "linux", platform.architecture or wanted) != (
            "linux",
            wanted,
        ):
            continue
        if candidate.media_type in _INDEXES:
            inner = _decode(read_blob(directory, candidate), _Index, candidate.digest)
            try:
                fitting.append(_choose(directory, inner.manifests, machine, depth + 1))
            except _NoneFitsError:
                continue
        elif candidate.media_type in _MANIFESTS or not candidate.media_type:
            fitting.append(candidate)
    found = list(dict.fromkeys(one.digest for one in fitting))
    if not found:
        raise _NoneFitsError(f"`{directory}` has no image for linux/{wanted}")
    if len(found) > 1:
        raise UserError(
            f"`{directory}` has {len(found)} images that fit", hint=_tags_hint(_Index(candidates))
        )
    return next(one for one in fitting if one.digest == found[0])


class _NoneFitsError(UserError):
    """No image for this machine."""


def _tags_hint(index: _Index) -> str:
    tags = sorted({tag for one in index.manifests if (tag := (one.annotations or {}).get(_NAME))})
    return f"its tags are {', '.join(f'`{tag}`' for tag in tags)}" if tags else "its images have no tags"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise UserError(f"cannot read `{path}`: {(error.strerror or '').lower()}") from None
    if len(content) > _LARGEST_DOCUMENT:
        raise UserError(f"`{path}` is too large for a document of an image")
    return content


def _decode(content: bytes, kind: type[_Document], what: str) -> _Document:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise UserError(f"`{what}` is not as the OCI image spec says: {str(error).lower()}") from None
