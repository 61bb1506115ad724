"""Which run definition is meant when none is named (run definition reference §2)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.model.errors import UsageError

DEFAULT_NAME = "outcrop.yml"
_FOLDERS = (".rwx", ".mint")


def find(named: str | None, directory: str | None = None) -> str:
    """The absolute path of FILE, or of the default definition as seen from `directory` (default: here).

    UsageError when there is none, when several could be meant, or when what is named is no file.
    """
    if named is not None:
        return _checked(named)
    start = os.getcwd() if directory is None else directory
    for folder in _upwards(start):
        candidate = os.path.join(folder, DEFAULT_NAME)
        if os.path.isfile(candidate):
            return candidate
    for folder in _upwards(start):
        for name in _FOLDERS:
            candidates = sorted(_candidates(os.path.join(folder, name)))
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                names = ", ".join(f"`{os.path.relpath(path, start)}`" for path in candidates)
                raise UsageError(f"several run definitions: {names}", "name the one that you mean")
    message = f"there is no `{DEFAULT_NAME}` here or in a parent directory"
    raise UsageError(message, "name a run definition: `outcrop run FILE`")


def seen_from(directory: str) -> list[str]:
    """Every definition that can be run from a directory, absolute paths: `outcrop.yml`, then the others."""
    found = [os.path.join(folder, DEFAULT_NAME) for folder in _upwards(directory)]
    found = [path for path in found if os.path.isfile(path)][:1]
    for folder in _upwards(directory):
        for name in _FOLDERS:
            candidates = sorted(_candidates(os.path.join(folder, name)))
            if candidates:
                return found + candidates
    return found


def _checked(named: str) -> str:
    path = os.path.abspath(named)
    if os.path.isdir(path):
        example = os.path.join(named, DEFAULT_NAME)
        raise UsageError(f"`{named}` is a directory", f"name a file, such as `{example}`")
    if not os.path.exists(path):
        raise UsageError(f"there is no file `{named}`", _similar(path))
    return path


def _similar(path: str) -> str | None:
    from engine.definition.suggestions import closest  # only when something is wrong

    folder, name = os.path.split(path)
    try:
        found = closest(name, os.listdir(folder))
    except OSError:
        return None
    return None if found is None else f"did you mean `{os.path.relpath(os.path.join(folder, found))}`?"


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _candidates(folder: str) -> Iterator[str]:
    """The `.yml` and `.yaml` files below; no hidden ones, and nothing of local packages."""
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = os.path.join(directory, name)
            if name.endswith((".yml", ".yaml")) and not name.startswith(".") and not _is_package(path):
                yield path


def _is_package(path: str) -> bool:
    """Whether a file says `package: true` or `package:` with a map at its top level."""
    try:
        with open(path, "rb") as file:
            lines = file.read(1 << 20).splitlines()
    except OSError:
        return False
    values = (line.partition(b":")[2] for line in lines if line.startswith(b"package:"))
    return any(value.split(b"#")[0].strip().lower() != b"false" for value in values)
