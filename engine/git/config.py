"""Reading git's configuration files without starting git (git-config(1), "Syntax")."""

from __future__ import annotations

import os
from collections.abc import Iterator

_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "\\": "\\", '"': '"'}


def parse_config(text: str) -> Iterator[tuple[str, str, str]]:
    """(section in lower case, subsection as written, `name=value` with the name in lower case), in order."""
    section, subsection = "", ""
    lines = iter(text.splitlines())
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            head, _, line = line[1:].partition("]")
            section, _, quoted = head.partition(" ")
            section, subsection = section.strip().lower(), _unquoted(quoted.strip())
            line = line.strip()
        if not line or line[0] in "#;":
            continue
        while line.endswith("\\") and not line.endswith("\\\\"):
            line = line[:-1] + next(lines, "").strip()
        name, separator, value = line.partition("=")
        yield section, subsection, f"{name.strip().lower()}={_value(value) if separator else 'true'}"


def _unquoted(text: str) -> str:
    return text.removeprefix('"').removesuffix('"').replace('\\"', '"').replace("\\\\", "\\")


def _value(text: str) -> str:
    """A value: quotes and escapes resolved, a comment and white space at the end dropped."""
    out: list[str] = []
    kept = 0  # up to here white space counts
    is_quoted = False
    characters = iter(text.strip())
    for character in characters:
        if character == '"':
            is_quoted = not is_quoted
            kept = len(out)
        elif character == "\\":
            escaped = next(characters, "")
            out.append(_ESCAPES.get(escaped, escaped))
            kept = len(out)
        elif character in "#;" and not is_quoted:
            break
        else:
            out.append(character)
            if is_quoted or not character.isspace():
                kept = len(out)
    return "".join(out[:kept])


def global_files() -> tuple[str, ...]:
    """The files that hold for all repositories of this user, the weakest first."""
    home = os.path.expanduser("~")
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return "/etc/gitconfig", os.path.join(own, "git/config"), os.path.join(home, ".gitconfig")


def default_excludes_file() -> str:
    """Where `core.excludesFile` is when nothing sets it."""
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(own, "git/ignore")
