"""The rights of the user who started this process, which is more than that in a user namespace of its own.

What can be read of a working tree must not depend on whether a task has run in this process before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class _Rights:
    """`has_more`: this process has all capabilities over what belongs to its user."""

    has_more = False


_rights = _Rights()


def gain() -> None:
    """This process has entered a user namespace of its own."""
    _rights.has_more = True


@contextmanager
def restored() -> Iterator[None]:
    """In this block this thread, and those that it starts, may read what its user may, and nothing else."""
    if not _rights.has_more:
        yield
        return
    from engine.sandbox import system_calls  # late: see there

    system_calls.use_capabilities(system_calls.READING_ANYTHING, enabled=False)
    try:
        yield
    finally:
        system_calls.use_capabilities(system_calls.READING_ANYTHING, enabled=True)
