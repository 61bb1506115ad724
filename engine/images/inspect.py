"""From `base.image` and `base.config` to what tasks start from; the layers themselves are written later."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import hashlib
import os

import msgspec

from engine.images.base_image import BaseContext, BaseImage, InspectedBase, SourceImage
from engine.images.host_system import host_image
from engine.images.remembered import Memory
from engine.model.errors import UserError
from engine.model.records import ImageConfig
from engine.pending_layer import PendingLayer
from engine.snapshot.cache_file import recall, remember

_VERSION = 1


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `base.config` made of an image; depends on nothing but the image's identity."""

    layer: str | None
    image: ImageConfig
    owner: tuple[int, int]


def inspect_base(image: str, config: str, context: BaseContext) -> InspectedBase:
    """Look at the base; needs no namespace, and is cheap when nothing changed.

    `config` is `none` or `rwx/base VERSION`. UserError for what is not there, cannot be read or is
    no image.
    """
    source = _source(image, context)
    configuration = "none" if config == "none" else "rwx/base"
    question = f"base {_VERSION} {source.identity} {source.is_host} {configuration}"
    facts = recall(context.store_root, question, _Facts)
    layer: PendingLayer | None = None
    if facts is None:
        # Late, as below: what it made of an image is remembered.
        from engine.images.configuration import configure

        configured = configure(source, configuration)
        layer = configured.layer
        digest = None if layer is None else layer.digest
        facts = _Facts(layer=digest, image=configured.image, owner=configured.owner)
        remember(context.store_root, question, facts)
    elif facts.layer is not None:
        layer = _reconfigured(facts.layer, source, configuration)
    pending = source.pending if layer is None else (*source.pending, layer)
    base = BaseImage(
        name=source.name,
        sha=source.identity,
        layers=tuple(layer.digest for layer in pending),
        environment=source.environment,
        image=facts.image,
        owner=facts.owner,
        platform=f"linux/{os.uname().machine}",
        is_host=source.is_host,
        host_digest=source.identity if source.is_host else "",
    )
    return InspectedBase(base=base, pending=pending, warnings=source.warnings)


def _source(image: str, context: BaseContext) -> SourceImage:
    if image == "host:":
        return host_image(Memory(context.store_root))
    if image == "scratch":
        return SourceImage(
            name=image, identity=hashlib.sha256(b"scratch").hexdigest(), tree=dict, read=lambda path: None
        )
    scheme, _, rest = image.partition(":")
    if scheme == "rootfs" and rest:
        path = os.path.normpath(os.path.join(context.directory, rest))
        if os.path.isdir(path):
            from engine.images.root_directory import directory_image

            return directory_image(image, path, context)
        if not os.path.exists(path):
            raise UserError(f"`{image}`: `{path}` does not exist")
        # Late: archives are rare, and reading them takes modules that cost start-up time.
        from engine.images.root_archive import archive_image

        return archive_image(image, path, context)
    if scheme == "oci" and rest:
        from engine.images.oci_directory import oci_image

        return oci_image(image, os.path.join(context.directory, rest), context)
    raise UserError(f"`{image}` is not supported yet as a base")


def _reconfigured(digest: str, source: SourceImage, configuration: str) -> PendingLayer:
    """The layer of `base.config` again, made anew only if the store lost it."""

    def again() -> PendingLayer:
        from engine.images.configuration import configure

        layer = configure(source, configuration).layer
        assert layer is not None
        return layer

    return PendingLayer(
        digest=digest,
        manifest=lambda: again().manifest(),
        fill=lambda manifest, directory: again().fill(manifest, directory),
    )
