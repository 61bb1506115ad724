"""What other programs of this user can ask of a run that goes on, over a socket in its directory.

One request, a line of JSON, and one answer for each connection. With an `Entry` come descriptors: the
namespaces of the sandbox in the order of `engine.sandbox.entering`, and last the system call filter.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Union

import msgspec

from engine.events import PausedAt
from engine.execution.steering import Break, Continue
from engine.sandbox.specification import User

SOCKET = "control"
DESCRIPTORS = 8


class Enter(msgspec.Struct, frozen=True, kw_only=True, tag="enter", tag_field="type"):
    """A shell is to be opened in this running task. From then on its result is not cached."""

    task: str


Request = Union[Break, Continue, Enter]


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done", tag_field="type"):
    """It holds. `tasks`: which ones went on, of a `Continue`."""

    tasks: tuple[str, ...] = ()


class TooEarly(msgspec.Struct, frozen=True, kw_only=True, tag="too_early", tag_field="type"):
    """The task has started, its sandbox is being made: ask again."""


class NotThere(msgspec.Struct, frozen=True, kw_only=True, tag="not_there", tag_field="type"):
    """It can't be; `reason` is a sentence without a full stop."""

    reason: str
    hint: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag="entry", tag_field="type"):
    """How to enter: as what user, where, with which variables; `program` is the path of the task's shell.

    `paused`: where the task waits now, if it does.
    """

    program: str
    user: User
    directory: str
    environment: dict[str, str]
    paused: PausedAt | None


Reply = Union[Done, TooEarly, NotThere, Entry]
