"""Colour roles: everything that is drawn names a role, and a theme says which colour that is."""

from __future__ import annotations

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
    "fs-removed",
    "diag-error",
    "diag-warning",
    "dim-text",
    "match",
    "selected",
)
ROLES = (*TASK_ROLES, *LANE_ROLES, *OTHER_ROLES)

# Component classes of every widget that draws with roles; `get_component_rich_style("role--task-ok",
# partial=True)` gives the style.
ROLE_CLASSES = frozenset(f"role--{role}" for role in ROLES)


def role_css(widget: str) -> str:
    """The rules that give a widget class the colours of all roles: the beginning of its DEFAULT_CSS."""
    rules = [
        f"{widget} > .role--{role} {{ color: ${role}; }}"
        for role in ROLES
        if role not in ("match", "selected")
    ]
    rules.append(
        f"{widget} > .role--match {{ color: $match; background: $match-background; text-style: bold; }}"
    )
    rules.append(f"{widget} > .role--selected {{ color: $selected; background: $selected-background; }}")
    # Where the terminal's own colours are used, or none at all, the chosen row is reversed: whatever the
    # colours of its parts, they are as readable as before. Without colours, search hits and failures
    # stand out by their style.
    rules.append(f"{widget}:ansi > .role--selected {{ text-style: reverse; }}")
    rules.append(f"{widget}:nocolor > .role--match {{ text-style: bold reverse; }}")
    rules.append(f"{widget}:nocolor > .role--task-failed {{ text-style: bold; }}")
    return "\n".join(rules) + "\n"
