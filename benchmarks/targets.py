"""What is to be reached: ratios to BuildKit in the same run, or absolute figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`ratio`: at most so many times BuildKit; `reference`: seconds that a current one took on two cores."""

    ratio: float
    reference: float


RATIOS = {
    ("S20", "cold"): Target(0.35, 1.3),
    ("S20", "unchanged"): Target(2.0, 0.065),
    ("D48", "cold"): Target(0.4, 2.2),
    ("D48", "unchanged"): Target(0.75, 0.2),
    ("F10k", "cold"): Target(0.6, 1.8),
    ("F10k", "unchanged"): Target(0.75, 0.3),
    ("F10k", "one changed"): Target(0.2, 1.5),
    ("F10k", "all touched"): Target(0.75, 0.36),
}

THOUSAND_SECONDS = 0.6
THOUSAND_BYTES = 150 * 1024**2
LINES_RATIO = 1.3
LINT_SECONDS = 0.15

FIRST_PAINT_SECONDS = 0.6
KEY_SECONDS = 0.1
BEHIND_SECONDS = 0.5
IDLE_SHARE = 0.01
LAYOUT_SECONDS = 0.1
LOG_OPEN_SECONDS = 0.5
LOG_SEARCH_SECONDS = 0.3
LOG_BYTES = 30 * 1000**2

INSPECT_MEBIBYTES = 80
INSPECT_SECONDS = {
    "open": 0.5,
    "page": 0.005,
    "next layer": 0.05,
    "search": 0.2,
    "search, no case": 0.2,
    "search, regex": 0.2,
    "diff, layers shared": 0.5,
    "diff, none shared": 0.5,
}

INSPECT_SCREEN_BYTES = 80 * 1000**2
INSPECT_SCREEN_SECONDS = {
    "screen": 0.5,
    "key: down": 0.05,
    "key: page down": 0.05,
    "key: filter of changes": 0.05,
    "key: layer alone": 0.05,
    "key: open a folder": 0.05,
    "key: another layer": 0.05,
    "key: a large layer": 0.05,
    "search for a name": 0.2,
    "comparison, layers shared": 0.5,
    "comparison, none shared": 0.5,
}

WATCH_SECONDS = 0.06
WATCH_WORST_SECONDS = 0.15
WATCH_NOTHING_SECONDS = 0.04
WATCH_IDLE_SHARE = 0.01
