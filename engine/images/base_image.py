"""What tasks start from, as a value."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.file_tree import FileTree
from engine.model.records import ImageConfig
from engine.pending_layer import LayerSink, PendingLayer

WORKSPACE = "/var/mint-workspace"


class BaseImage(msgspec.Struct, frozen=True, kw_only=True):
    """layers: digests, lowest first, the one of `base.config` last. environment: of the image.

    image: user, workspace, shell, os, entrypoint and command. platform: such as `linux/x86_64`.
    host_digest: for `host:`, what tells two states of this machine's system apart; "" otherwise.
    owner: uid and gid of the user, to whom snapshots belong.
    name, sha: the values `image-name` and `image-sha` of `~base-image`.
    """

    name: str
    sha: str
    layers: tuple[str, ...]
    environment: dict[str, str] = {}
    image: ImageConfig
    platform: str
    owner: tuple[int, int] = (0, 0)
    is_host: bool = False
    host_digest: str = ""


class InspectedBase(msgspec.Struct, frozen=True, kw_only=True):
    """pending: the layers of `base`, to be written by `materialise` in this order."""

    base: BaseImage
    pending: tuple[PendingLayer, ...] = ()
    warnings: tuple[str, ...] = ()


class BaseContext(msgspec.Struct, frozen=True, kw_only=True):
    """directory: absolute, what relative paths in `rootfs:` and `oci:` start from. workers: threads."""

    store_root: str
    layers: LayerSink
    directory: str
    workers: int = 2


class SourceImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image source before `base.config`.

    identity: changes whenever anything else here does. tree: all layers merged. read: the content of
    a file of that tree, by its own place (no link). Both may be slow; they are asked for once.
    """

    name: str
    identity: str
    pending: tuple[PendingLayer, ...] = ()
    tree: Callable[[], FileTree]
    read: Callable[[str], bytes | None]
    environment: dict[str, str] = {}
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    is_host: bool = False
    warnings: tuple[str, ...] = ()
