"""Breakpoints, shells and what is done about a failure: a part of the table in `tui.actions`."""

from __future__ import annotations

from tui.action import Action

FAILURE: tuple[Action, ...] = ()
