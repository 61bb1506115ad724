"""What a finished task passes on to those that use it; pure."""

from __future__ import annotations

import msgspec

from engine.model.records import CacheEntry, ExportedVariable, ImageConfig


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`layer` None: it changed nothing. `artifacts`: key -> digest of the layer that holds it."""

    layer: str | None = None
    exports: tuple[ExportedVariable, ...] = ()
    values: dict[str, str] = {}
    artifacts: dict[str, str] = {}
    image: ImageConfig = ImageConfig()
    links: dict[str, str] = {}


def from_entry(entry: CacheEntry) -> Outcome:
    """The outcome that a cache entry stands for."""
    return Outcome(
        layer=entry.layer,
        exports=entry.exports,
        values=entry.values,
        artifacts=entry.artifacts,
        image=entry.image,
        links=entry.links,
    )
