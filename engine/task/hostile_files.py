"""Reads what a task left in its `RWX_…` folders: never through links, blocking or without limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from engine.model.errors import UserError

MEBIBYTE = 1 << 20


def names(directory: str) -> tuple[str, ...]:
    """The entries of a folder in byte order; nothing when the task removed or replaced the folder."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return ()
    try:
        return tuple(sorted(os.listdir(descriptor), key=os.fsencode))
    finally:
        os.close(descriptor)


def read(directory: str, name: str, variable: str, limit: int) -> bytes:
    """The content of a regular file; UserError for anything else and for more than `limit` bytes.

    `variable` is the name by which the author knows the folder, such as `RWX_VALUES`.
    """
    shown = f"`${variable}/{printable(name)}`"
    try:
        descriptor = os.open(
            os.path.join(directory, name),
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
        )
    except OSError:
        raise UserError(f"{shown} is not a regular file", "write the value itself into the file") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UserError(f"{shown} is not a regular file", "write the value itself into the file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise UserError(f"{shown} is larger than {limit // MEBIBYTE} MiB", "pass large data as an artifact")
    return content


def read_text(directory: str, name: str, variable: str, limit: int = MEBIBYTE) -> str:
    """The content as UTF-8 text, one trailing newline dropped; UserError when it is not text."""
    try:
        text = read(directory, name, variable, limit).decode()
    except UnicodeDecodeError:
        raise UserError(f"`${variable}/{printable(name)}` is not UTF-8 text") from None
    if "\0" in text:
        raise UserError(f"`${variable}/{printable(name)}` holds a NUL byte")
    return text.removesuffix("\n")


def texts(directory: str, variable: str, limit: int = MEBIBYTE) -> Iterator[tuple[str, str]]:
    """Every file of a folder with its text."""
    for name in names(directory):
        yield printable_name(name, variable), read_text(directory, name, variable, limit)


def printable_name(name: str, variable: str) -> str:
    """The name itself; UserError when it is not UTF-8, since it goes into records."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"`${variable}/{printable(name)}` has a name that is not UTF-8") from None
    return name


def printable(name: str) -> str:
    """A file name that can be shown whatever its bytes are."""
    return os.fsencode(name).decode(errors="backslashreplace")
