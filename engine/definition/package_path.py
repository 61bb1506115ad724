"""Where published packages are looked for (reference §18)."""

from __future__ import annotations

import os


def package_directories(given: tuple[str, ...]) -> tuple[str, ...]:
    """The directories of `--package-path`, then of OUTCROP_PACKAGE_PATH, absolute and without repeats."""
    variable = os.environ.get("OUTCROP_PACKAGE_PATH", "")
    named = (*given, *(directory for directory in variable.split(os.pathsep) if directory))
    return tuple(dict.fromkeys(os.path.abspath(directory) for directory in named))
