"""Colour roles: everything that is drawn names a role, and a theme says which colour that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.style import Style
    from textual.dom import DOMNode

TASK_ROLES = (
    "task-queued",
    "task-running",
    "task-ok",
    "task-cached",
    "task-failed",
    "task-cancelled",
    "task-skipped",
    "task-retried",
    "task-miss",
)
LANE_ROLES = tuple(f"lane-{number}" for number in range(1, 9))
# `dim-text`: secondary, but to be read; `match`: a search hit; `selected`: the chosen row.
OTHER_ROLES = (
    "edge",
    "edge-active",
    "fs-added",
    "fs-modified",
    "fs-metadata",
    "fs-removed",
    "diag-error",
    "diag-warning",
    "dim-text",
    "match",
    "selected",
)
ROLES = (*TASK_ROLES, *LANE_ROLES, *OTHER_ROLES)

# Component classes and rules of an app whose widgets draw with roles. The app alone has them:
# Textual matches every class against every rule, again for each widget that has it.
ROLE_CLASSES = {f"role--{role}" for role in ROLES}
ROLE_CSS = "\n".join(
    (
        *(
            f"App > .role--{role} {{ color: ${role}; }}"
            for role in ROLES
            if role not in ("match", "selected")
        ),
        "App > .role--match { color: $match; background: $match-background; text-style: bold; }",
        "App > .role--selected { color: $selected; background: $selected-background; }",
        # Where the terminal's own colours are used, or none at all, the chosen row is reversed: whatever
        # the colours of its parts, they are as readable as before. Without colours, search hits and
        # failures stand out by their style.
        "App:ansi > .role--selected { text-style: reverse; }",
        "App:nocolor > .role--match { text-style: bold reverse; }",
        "App:nocolor > .role--task-failed { text-style: bold; }",
        "",
    )
)


def role_style(widget: DOMNode, role: str) -> Style:
    """The style of a role under the present theme, to be laid over another; looked up by the app above."""
    app = widget.ancestors_with_self[-1]
    return app.get_component_styles(f"role--{role}").partial_rich_style
