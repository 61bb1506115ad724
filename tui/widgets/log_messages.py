"""What a log view tells whoever holds it."""

from __future__ import annotations

from textual.message import Message


class Matches(Message, namespace="log_view"):
    """How many lines match; `index` of the present one, from 0, or None. `done`: all was searched.

    `note` says why the pattern was taken for plain text.
    """

    def __init__(self, count: int, index: int | None, done: bool, note: str | None) -> None:
        super().__init__()
        self.count = count
        self.index = index
        self.done = done
        self.note = note


class FollowChanged(Message, namespace="log_view"):
    """The end is kept in sight, or no more."""

    def __init__(self, follow: bool) -> None:
        super().__init__()
        self.follow = follow


class Copied(Message, namespace="log_view"):
    """Someone wants this text in the clipboard."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Noticed(Message, namespace="log_view"):
    """Something to tell: no error was found, the log cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
