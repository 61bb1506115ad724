"""Breakpoints, shells and what is done about a failure: a part of the table in `tui.actions`."""

from __future__ import annotations

from functools import partial

from tui.action import Action, on_screen

_run = partial(on_screen, "run")

FAILURE: tuple[Action, ...] = (
    _run(
        "shell",
        "s",
        "Shell in the task",
        "shell",
        "Enter the files of the task, as it left them; one that runs or is paused, as it is now.",
        rank=4,
    ),
    _run(
        "shell_keep",
        "ctrl+k",
        "Shell whose changes are kept",
        "shell, keep",
        "As the shell in the task; what is changed there is kept, for the next shell and to retry from here.",
    ),
    _run(
        "shell_before",
        "B",
        "Shell as the task found it",
        "shell before",
        "Enter the files that the task started from, before its script ran.",
    ),
    _run(
        "retry_from_here",
        "H",
        "Retry from here",
        "retry from here",
        "Run the script of the failed task again upon what it left and shells changed; not cached.",
    ),
    _run(
        "breakpoint",
        "b",
        "Set a breakpoint",
        "breakpoint",
        "Let the task pause before its script, after it, or when it fails, so that you can look into it.",
    ),
    _run("proceed", "c", "Let the paused task go on", "go on", "Let the paused task go on.", rank=2),
)
