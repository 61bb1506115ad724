"""How the image configuration of several tasks adds up in layer order: later wins (reference §13)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.records import ImageConfig


def combine(configs: Iterable[ImageConfig]) -> ImageConfig:
    """The configuration that a consumer of these tasks starts with."""
    result = ImageConfig()
    for config in configs:
        result = _over(result, config)
    return result


def _over(lower: ImageConfig, upper: ImageConfig) -> ImageConfig:
    command = None if upper.clears_command else lower.command
    entrypoint = None if upper.clears_entrypoint else lower.entrypoint
    return ImageConfig(
        user=lower.user if upper.user is None else upper.user,
        workspace=lower.workspace if upper.workspace is None else upper.workspace,
        shell=lower.shell if upper.shell is None else upper.shell,
        os=lower.os if upper.os is None else upper.os,
        command=command if upper.command is None else upper.command,
        entrypoint=entrypoint if upper.entrypoint is None else upper.entrypoint,
        labels={**lower.labels, **upper.labels},
        annotations={**lower.annotations, **upper.annotations},
        expose=tuple(dict.fromkeys((*lower.expose, *upper.expose))),
        volumes=tuple(dict.fromkeys((*lower.volumes, *upper.volumes))),
        healthcheck=lower.healthcheck if upper.healthcheck is None else upper.healthcheck,
        stop_signal=lower.stop_signal if upper.stop_signal is None else upper.stop_signal,
    )
