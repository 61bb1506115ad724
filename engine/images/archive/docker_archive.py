"""What `docker save` writes: `manifest.json` with the layers of each image (since 1.10), or before that
`repositories` and a chain of `ID/json`."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from engine.images.archive.containers import Container
from engine.images.oci_layout import decode, read_document
from engine.model.errors import UserError

_Found = TypeVar("_Found")

_MOST_LAYERS = 1_000  # of the old chains; docker itself allows 127


class _Image(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


class _Process(msgspec.Struct, frozen=True, rename="pascal"):
    cmd: tuple[str, ...] | str | None = None


class _OldLayer(msgspec.Struct, frozen=True):
    parent: str | None = None
    created: str | None = None
    container_config: _Process | None = None


class DockerImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of the archive; `layers`: paths of tar files, lowest first.

    `history`: (created, command) of each layer, only of the old form, whose configuration has none.
    """

    name: str
    configuration_name: str
    configuration: bytes
    layers: tuple[str, ...]
    history: tuple[tuple[str | None, str], ...] = ()


def find_docker_image(container: Container, tag: str | None) -> DockerImage:
    """The image with this tag, or the only one; UserError, with the tags, when there is none or several."""
    if container.find("manifest.json") is None:
        return _old_image(container, tag)
    manifest = read_document(container, "manifest.json")
    images = decode(manifest, tuple[_Image, ...], f"{container.name}/manifest.json")
    chosen = [image for image in images if tag is None or _is_tagged(image, tag)]
    tags = [name for image in images for name in image.repo_tags or ()]
    image = _only(container, chosen, tags, tag)
    return DockerImage(
        name=next((name for name in image.repo_tags or () if tag is None or _means(tag, name)), ""),
        configuration_name=image.config,
        configuration=read_document(container, image.config),
        layers=image.layers,
    )


def _is_tagged(image: _Image, tag: str) -> bool:
    return any(_means(tag, name) for name in image.repo_tags or ())


def _means(word: str, name: str) -> bool:
    """Whether a word names an image: by all of its name, without the registry, or by the tag alone."""
    repository, _, tag = name.rpartition(":")
    short = repository.rpartition("/")[2]
    return word in (name, f"{short}:{tag}", repository, short, tag) or name.endswith(f"/{word}")


def _only(container: Container, chosen: list[_Found], tags: list[str], tag: str | None) -> _Found:
    if len(chosen) == 1:
        return chosen[0]
    hint = f"its tags are {', '.join(f'`{name}`' for name in sorted(tags)[:20])}" if tags else None
    if not chosen:
        missing = "no image" if tag is None else f"no image with the tag `{tag}`"
        raise UserError(f"`{container.name}` has {missing}", hint)
    if tag is None and hint is not None:
        hint = f"{hint}: choose one by `:TAG` after the path"
    raise UserError(f"`{container.name}` has {len(chosen)} images that fit", hint)


def _old_image(container: Container, tag: str | None) -> DockerImage:
    where = f"{container.name}/repositories"
    repositories = decode(read_document(container, "repositories"), dict[str, dict[str, str]], where)
    names = {f"{name}:{tag}": top for name, tags in repositories.items() for tag, top in tags.items()}
    chosen = [(name, top) for name, top in names.items() if tag is None or _means(tag, name)]
    name, top = _only(container, chosen, list(names), tag)
    layers: list[str] = []
    history: list[tuple[str | None, str]] = []
    configuration = b"{}"
    current: str | None = top
    while current:
        if len(layers) >= _MOST_LAYERS or f"{current}/layer.tar" in layers:
            raise UserError(f"`{container.name}` has a chain of layers without an end")
        content = read_document(container, f"{current}/json")
        layer = decode(content, _OldLayer, f"{container.name}/{current}/json")
        configuration = content if current == top else configuration
        command = layer.container_config.cmd if layer.container_config else None
        layers.append(f"{current}/layer.tar")
        history.append((layer.created, command if isinstance(command, str) else " ".join(command or ())))
        current = layer.parent
    return DockerImage(
        name=name,
        configuration_name=f"{top}/json",
        configuration=configuration,
        layers=tuple(reversed(layers)),
        history=tuple(reversed(history)),
    )
