"""What it would take that a task of a run is a hit, with what the store and git know."""

from __future__ import annotations

import hashlib
import os

from engine.execution.explanation import record_before
from engine.explain import Change
from engine.git.repository import Repository, find_repository, run_git
from engine.model.errors import OutcropError, StoreError
from engine.past.past_run import PastRun
from engine.past.to_hit import Missed, to_hit
from engine.run_state import TaskState

_MOST_FILES = 5  # that git is asked about
_LARGEST = 64 << 20


def what_hits(past: PastRun, task: TaskState, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """See `engine.past.to_hit`; nothing for a hit and what did not run. `changes`: since the last time."""
    if task.cause == "cache_hit" or task.started_at is None:
        return ()
    key = task.description.task
    before = record_before(past.store, past.record.definition, past.run, key)
    entry = None
    if before is not None and before[1].cache_key is not None:
        entry = past.store.entries.peek(before[1].cache_key)
    missed = Missed(
        reason=task.miss_reason,
        succeeded=task.succeeded,
        changes=changes,
        had_result=entry is not None,
        was_entered=task.is_entered,
    )
    return to_hit(missed, _Restoring(past, None if before is None else before[0]).command)


class _Restoring:
    """Asks git which of its versions of a file is the one that is described; lazily, for a few files."""

    def __init__(self, past: PastRun, compared_with: str | None) -> None:
        self._past = past
        self._compared_with = compared_with
        self._left = _MOST_FILES
        self._repository: Repository | None = None
        self._tracked: list[str] | None = None

    def command(self, path: str, before: str) -> str | None:
        """`git checkout -- src/a.py`, for a file of the workspace that was like this."""
        if self._left == 0 or not before.startswith("file ") or "\n" in path:
            return None
        self._left -= 1
        try:
            for place in self._places(path):
                for version in self._versions():
                    if self._is(f"{version}:{place}", before):
                        return f"git checkout {f'{version} ' if version else ''}-- {self._named(place)}"
        except (OutcropError, OSError):
            return None
        return None

    def _places(self, path: str) -> list[str]:
        """Where in the repository it may lie: a task may see a part of it as its workspace."""
        if self._tracked is None:
            self._tracked = []
            self._repository = find_repository(os.path.dirname(self._past.record.definition))
            if self._repository is not None:
                listed = run_git(self._repository, "ls-files", "-z", check=False)
                deleted = run_git(self._repository, "ls-tree", "-r", "-z", "--name-only", "HEAD", check=False)
                self._tracked = sorted({*listed.split("\0"), *deleted.split("\0")} - {""})
        return [place for place in self._tracked if place == path or place.endswith("/" + path)][:3]

    def _named(self, place: str) -> str:
        """For the directory of the definition, where that is the top; for any of the repository elsewhere."""
        top = None if self._repository is None else self._repository.top
        is_at_top = os.path.dirname(self._past.record.definition) == top
        return _quoted(place if is_at_top else f":/{place}")

    def _versions(self) -> list[str]:
        """The index, the newest commit, and that of the run to compare with."""
        versions = ["", "HEAD"]
        if self._compared_with is not None:
            try:
                sha = self._past.store.runs.directory(self._compared_with).read().git_sha
            except StoreError:
                sha = ""
            versions += [sha[:12]] if sha else []
        return versions

    def _is(self, version: str, before: str) -> bool:
        text = run_git(self._repository, "cat-file", "blob", version, check=False)
        content = os.fsencode(text)
        if not content or len(content) > _LARGEST:
            return False
        return f" {len(content)} bytes {hashlib.sha256(content).hexdigest()[:12]}" in before


def _quoted(path: str) -> str:
    import shlex  # only for a command to be copied

    return shlex.quote(path)
