"""Which directories must be watched so that no change of anything that matters goes unseen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable


def directories_to_watch(
    tree_directories: Iterable[str],
    paths: Iterable[str],
    exists: Callable[[str], bool] = os.path.isdir,
) -> frozenset[str]:
    """Directories whose names tell of every change.

    `tree_directories`: those of the working trees, themselves. `paths`: files or directories that matter,
    some of which may not exist: each is seen in the directory it is or would be in, and in itself if it is
    a directory. What is missing is seen to appear where the nearest directory above it is.
    """
    found = set(tree_directories)
    for path in paths:
        if exists(path):
            found.add(path)
        found.add(_nearest(os.path.dirname(path), exists))
        real = os.path.realpath(path)
        if real != path:  # what a link leads to
            found.add(_nearest(os.path.dirname(real), exists))
    return frozenset(found)


def _nearest(directory: str, exists: Callable[[str], bool]) -> str:
    while not exists(directory) and os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
    return directory
