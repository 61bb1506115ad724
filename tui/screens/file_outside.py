"""A file of a layer outside the interface: in a pager, in an editor, in a folder of the user's."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Literal

from textual.app import SuspendNotSupported
from textual.screen import Screen

from engine.api.files_client import ContentOverHttp
from engine.explain import printable
from tui.format import size_text

Program = Literal["pager", "editor"]
_AT_ONCE = 1 << 20
_MOST = 1 << 30  # a copy of more would fill the folder for temporary files
_DEFAULTS: dict[Program, tuple[tuple[str, ...], tuple[str, ...]]] = {  # variables, programs
    "pager": (("PAGER",), ("less", "more")),
    "editor": (("VISUAL", "EDITOR"), ("sensible-editor", "vi", "nano")),
}


def open_outside(
    screen: Screen[None], kind: Program, path: str, content: ContentOverHttp, say: Callable[[str], None]
) -> None:
    """Lend the terminal to the user's program, with a copy of the file that is gone afterwards."""
    command = program(kind, os.environ)
    if command is None:
        names = " or ".join(f"${name}" for name in _DEFAULTS[kind][0])
        say(f"there is no {kind} on this machine: set {names}")
        return
    try:
        with screen.app.suspend():
            problem = _with_a_copy(command, path, content)
    except SuspendNotSupported:
        say("no other program can have this terminal; E exports the file")
        return
    screen.refresh(layout=True)
    say(problem)


def program(kind: Program, environment: os._Environ[str] | dict[str, str]) -> list[str] | None:
    """The command that the user wants, else the first that is there."""
    variables, known = _DEFAULTS[kind]
    for name in variables:
        wanted = environment.get(name, "").strip()
        if wanted:
            try:
                return shlex.split(wanted)
            except ValueError:
                return [wanted]
    return next(([name] for name in known if shutil.which(name)), None)


def copy_name(path: str) -> str:
    """A harmless name for a copy, with the ending by which programs know what it is."""
    name = re.sub(r"[^\w.+-]", "_", path.rpartition("/")[2], flags=re.ASCII)[-80:]
    return name.lstrip("-.") or "file"


def _with_a_copy(command: list[str], path: str, content: ContentOverHttp) -> str:
    """What went wrong, or nothing."""
    folder = ""
    try:
        size = content.size()
        if size > _MOST:
            return f"{printable(path)} is too large for a copy, {size_text(size)}; E exports it"
        folder = tempfile.mkdtemp(prefix="outcrop-file-")
        copy = os.path.join(folder, copy_name(path))
        _write(copy, content, size)
        sys.stdout.write("\x1b[2J\x1b[H")
        sys.stdout.flush()
        code = subprocess.run([*command, copy], check=False).returncode
        return f"{command[0]} ended with exit code {code}" if code else ""
    except FileNotFoundError:
        return f"there is no program {printable(command[0])}"
    except OSError as error:
        return f"{printable(path)} can't be opened: {error.strerror or error}"
    finally:
        content.close()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _write(copy: str, content: ContentOverHttp, size: int) -> None:
    """It is readable only: what is changed in it would be lost."""
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with open(descriptor, "wb") as file:
        offset = 0
        while offset < size:
            data = content.read(offset, _AT_ONCE)
            if not data:
                break
            file.write(data)
            offset += len(data)
