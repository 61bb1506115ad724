"""Which task is selected, and whether somebody chose it or the selection only follows what happens."""

from __future__ import annotations

_SURPRISING = 1.0  # seconds: who presses a key may have meant the task that was selected before


class Selection:
    """`is_chosen`: by the user; the selection then moves no more by itself. Times are seconds.

    `wanted`: the task that was chosen when the same was shown before.
    """

    def __init__(self, wanted: str | None = None) -> None:
        self.wanted = wanted
        self.task: str | None = None
        self.is_chosen = False
        self._moved_at: float | None = None

    def choose(self, task: str | None) -> bool:
        """The user means this task; True if it is another one than before."""
        self.is_chosen, self._moved_at = True, None
        is_other, self.task = task != self.task, task
        return is_other

    def follow(self, task: str | None, now: float) -> bool:
        """Go to this task by itself, unless the user has chosen one; True if it is another one."""
        if self.is_chosen or task == self.task:
            return False
        self._moved_at = None if self.task is None else now
        self.task = task
        return True

    def hold(self, now: float) -> bool:
        """Stay at this task from now on; False if it had only just been moved to, as a surprise."""
        moved_at = self._moved_at
        self.choose(self.task)
        return moved_at is None or not 0 <= now - moved_at < _SURPRISING

    def release(self) -> None:
        """Follow what happens again."""
        self.is_chosen, self.wanted = False, None

    def again(self) -> Selection:
        """The selection with which the same begins once more."""
        return Selection(self.task if self.is_chosen else self.wanted)
