"""What the widgets that show tasks say of them."""

from __future__ import annotations

from textual.message import Message

from tui.model.facts import FilePlace


class TaskSelected(Message):
    """The user has gone to another task, by keys or by a click."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task = task


class TaskOpened(Message):
    """The user wants to see into a task: enter, or a second click."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task = task


class FileOpened(Message):
    """The user wants to see a file, or how it differs."""

    def __init__(self, place: FilePlace) -> None:
        super().__init__()
        self.place = place
