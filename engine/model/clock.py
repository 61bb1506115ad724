"""The clock as an argument: seconds since the epoch, as a float."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
