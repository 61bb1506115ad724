"""Which run the interface opens with: one that goes on, one that ended unseen, or a new one."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api.messages import RunSummary
from engine.model.request import RunRequest


def run_to_show(request: RunRequest, past: Sequence[RunSummary]) -> str | None:
    """The run to attach to, of those of the definition, newest first; None: start one.

    One in progress that can be steered comes before one of another process. A request that says more
    than which definition gets a run in progress only if that is after the same targets and parameters,
    and never an ended one.
    """
    going = [
        summary
        for summary in past
        if summary.definition == request.definition
        and summary.result == "running"
        and _is_answered_by(request, summary)
    ]
    if going:
        return next((summary for summary in going if summary.is_ours), going[0]).run
    if not _is_bare(request):
        return None
    newest = next((summary for summary in past if summary.definition == request.definition), None)
    return newest.run if newest is not None and newest.is_unseen else None


def _is_bare(request: RunRequest) -> bool:
    return request == RunRequest(definition=request.definition)


def _is_answered_by(request: RunRequest, summary: RunSummary) -> bool:
    if _is_bare(request):
        return True
    if request.no_cache or request.fail_fast or request.cpus or request.memory or request.package_paths:
        return False
    if request.watch and not summary.cycles:
        return False
    has_init = all(summary.init.get(name) == value for name, value in request.init.items())
    return has_init and summary.targets == request.targets
