"""Finding an image in a file or directory: which one, its layers, where each lies, what its history says."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from typing import Literal

import msgspec

from engine.images.archive.containers import Container, DirectoryContainer
from engine.images.archive.docker_archive import find_docker_image
from engine.images.archive.file_range import FileRange
from engine.images.oci_layout import (
    ARCHITECTURES,
    NoneFitsError,
    blob_name,
    decode,
    find_image,
    read_document,
)
from engine.model.errors import UsageError, UserError

Form = Literal["oci", "oci-archive", "docker-archive"]
FORMS: tuple[Form, ...] = ("oci", "oci-archive", "docker-archive")
_FOREIGN = "nondistributable"


class _History(msgspec.Struct, frozen=True):
    created: str | None = None
    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _Process(msgspec.Struct, frozen=True, rename="pascal"):
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | str | None = None
    cmd: tuple[str, ...] | str | None = None
    user: str | None = None
    working_dir: str | None = None


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: tuple[str, ...] | None = None


class Configuration(msgspec.Struct, frozen=True):
    """The part of an image's configuration that one looks at."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None
    created: str | None = None
    config: _Process | None = None
    history: tuple[_History, ...] | None = None
    rootfs: _RootFs = _RootFs()


class LayerSource(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that was found. `digest`: of the blob or of the plain tar file, what the image calls it by.

    `diff_id`: the digest of the plain tar file; "" when the image does not tell.
    """

    digest: str
    diff_id: str
    place: FileRange
    command: str = ""
    created_at: float | None = None


class ImageSource(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was found. `identity` changes when anything that counts does, wherever the file lies."""

    form: Form
    identity: str
    name: str
    platform: str
    layers: tuple[LayerSource, ...]


class ImageWords(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wrote: `[FORM:]PATH[:TAG]`."""

    form: Form | None
    path: str
    tag: str | None


def image_words(text: str) -> ImageWords:
    """Take FILE apart; a file whose own name has a colon is found first. UsageError when it is not there."""
    form = next((form for form in FORMS if text.startswith(f"{form}:")), None)
    place = text if form is None or os.path.lexists(text) else text[len(form) + 1 :]
    if place == text:
        form = None
    if os.path.lexists(place):
        return ImageWords(form=form, path=os.path.abspath(place), tag=None)
    at = place.rfind(":")
    while at > 0:
        if os.path.lexists(place[:at]):
            return ImageWords(form=form, path=os.path.abspath(place[:at]), tag=place[at + 1 :] or None)
        at = place.rfind(":", 0, at)
    raise UsageError(f"`{place}` does not exist")


def find_in_directory(path: str, form: Form | None, tag: str | None, machine: str | None) -> ImageSource:
    """The image of an OCI layout directory."""
    if form not in (None, "oci"):
        raise UsageError(f"`{path}` is a directory, and so no `{form}`")
    if not os.path.isfile(os.path.join(path, "index.json")):
        raise UserError(
            f"`{path}` is no OCI layout: it has no `index.json`",
            hint="`skopeo copy … oci:DIR` and `buildah push … oci:DIR` make one; an archive will do as well",
        )
    return _oci_image("oci", DirectoryContainer(path), tag, machine)


def find_in_archive(
    container: Container, form: Form | None, tag: str | None, machine: str | None
) -> ImageSource:
    """The image of a tar file; docker's form where it is both, since it has the names that people gave."""
    if form == "oci":
        raise UsageError(f"`{container.name}` is no directory", "use `oci-archive:` for a tar file")
    is_docker = container.find("manifest.json") is not None or (
        container.find("repositories") is not None and container.find("index.json") is None
    )
    if form != "oci-archive" and is_docker:
        return _docker_image(container, tag)
    if form != "docker-archive" and container.find("index.json") is not None:
        return _oci_image("oci-archive", container, tag, machine)
    wanted = {"docker-archive": "manifest.json", "oci-archive": "index.json"}.get(form or "")
    missing = f"it has no `{wanted}`" if wanted else "it has neither `manifest.json` nor `index.json`"
    raise UserError(
        f"`{container.name}` is no image: {missing}",
        hint="it should come from `docker save`, `podman save` or `skopeo copy … oci-archive:FILE`",
    )


def _oci_image(form: Form, container: Container, tag: str | None, machine: str | None) -> ImageSource:
    try:
        found = find_image(container, tag, machine or os.uname().machine)
    except NoneFitsError:
        if machine is not None:
            raise
        found = find_image(container, tag, None)
    content = read_document(container, blob_name(found.manifest.config.digest))
    configuration = decode(content, Configuration, found.manifest.config.digest)
    layers = []
    diff_ids = found.configuration.rootfs.diff_ids
    for descriptor, diff_id in zip(found.manifest.layers, diff_ids, strict=True):
        place = container.find(blob_name(descriptor.digest))
        if place is None:
            where = " (it must be downloaded from elsewhere)" if _FOREIGN in descriptor.media_type else ""
            raise UserError(f"`{container.name}` has no layer `{descriptor.digest}`{where}")
        layers.append(LayerSource(digest=descriptor.digest, diff_id=diff_id, place=place))
    return _image(form, found.digest, found.name, configuration, layers)


def _docker_image(container: Container, tag: str | None) -> ImageSource:
    found = find_docker_image(container, tag)
    configuration = decode(found.configuration, Configuration, found.configuration_name)
    diff_ids = configuration.rootfs.diff_ids or ()
    if diff_ids and len(diff_ids) != len(found.layers):
        raise UserError(
            f"`{container.name}` has {len(found.layers)} layers in its manifest"
            f" and {len(diff_ids)} in its configuration"
        )
    layers = []
    for position, path in enumerate(found.layers):
        place = container.find(path)
        if place is None:
            raise UserError(f"`{container.name}` has no layer `{path}`")
        diff_id = diff_ids[position] if diff_ids else ""
        layers.append(LayerSource(digest=diff_id or path, diff_id=diff_id, place=place))
    if not diff_ids:  # nothing but the file itself tells what it is then
        configuration_digest = f"{found.configuration_name} {[layer.place for layer in layers]}"
    else:
        configuration_digest = hashlib.sha256(found.configuration).hexdigest()
    history = found.history
    if history:
        entries = tuple(_History(created=created, created_by=command) for created, command in history)
        configuration = msgspec.structs.replace(configuration, history=entries)
    return _image("docker-archive", configuration_digest, found.name, configuration, layers)


def _image(
    form: Form, digest: str, name: str, configuration: Configuration, layers: list[LayerSource]
) -> ImageSource:
    parts = ["image 1", form, digest, *(layer.diff_id for layer in layers)]
    variant = f"/{configuration.variant}" if configuration.variant else ""
    return ImageSource(
        form=form,
        identity=hashlib.sha256(
            "\n".join(["image 1", *parts]).encode("utf-8", "surrogateescape")
        ).hexdigest(),
        name=name,
        platform=f"{configuration.os or 'linux'}/{configuration.architecture or '?'}{variant}",
        layers=_with_history(layers, configuration.history or ()),
    )


def _with_history(layers: list[LayerSource], history: tuple[_History, ...]) -> tuple[LayerSource, ...]:
    """Each layer with its entry of the history; entries that made no layer are passed over."""
    entries = [entry for entry in history if not entry.empty_layer]
    if len(entries) != len(layers):  # histories may be missing or cut: then those at hand belong to the first
        entries = (entries + [_History()] * len(layers))[: len(layers)]
    return tuple(
        msgspec.structs.replace(
            layer,
            command=(entry.created_by or entry.comment or "").strip(),
            created_at=_seconds(entry.created),
        )
        for layer, entry in zip(layers, entries, strict=True)
    )


def _seconds(text: str | None) -> float | None:
    """RFC 3339 as seconds since the epoch; None for what is none, or means none."""
    if not text:
        return None
    try:
        seconds = datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    except ValueError:
        return None
    return seconds if seconds > 0 else None


def machine_of(platform: str) -> str:
    """`linux/arm64` as a machine that images are found for; UsageError for anything else."""
    system, slash, architecture = platform.partition("/")
    if system != "linux" or not slash or not architecture:
        raise UsageError(f"`{platform}` is no platform", "write it as `linux/amd64` or `linux/arm64`")
    machines = {name: machine for machine, name in ARCHITECTURES.items()}
    return machines.get(architecture, architecture)
