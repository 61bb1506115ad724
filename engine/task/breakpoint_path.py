"""How a script finds the programs `rwx-breakpoint` and `mint-breakpoint`, without other scripts noticing."""

from __future__ import annotations

from collections.abc import Mapping

SOCKET_NAME = "breakpoint"  # in the task's /run/outcrop; the programs connect to it
_PROGRAMS = ("rwx-breakpoint", "mint-breakpoint")
_DIRECTORY = "/dev/outcrop"  # where the sandbox has them


def with_breakpoints(environment: Mapping[str, str], script: str) -> dict[str, str]:
    """The same with the programs in `PATH`, last, for a script that names one of them.

    Every other one sees the `PATH` of its definition, which it may write into its layer.
    """
    if not any(program in script for program in _PROGRAMS):
        return dict(environment)
    path = environment.get("PATH")
    return {**environment, "PATH": f"{path}:{_DIRECTORY}" if path else _DIRECTORY}


def without_breakpoints(path: str) -> str:
    """A `PATH` that a task passes on, as it would be without them."""
    return path.replace(f":{_DIRECTORY}", "")
