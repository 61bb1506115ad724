"""The actions of the Inspect screen, a part of the table in `tui.actions`."""

from __future__ import annotations

from tui.action import Action

INSPECT: tuple[Action, ...] = ()
