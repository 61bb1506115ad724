"""The process a task becomes: its script file, and every variable it sees (reference §5, §12)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import msgspec

from engine.task import failed_line, outputs
from engine.task.environment import Variable

RUN_FOLDER = "/run/outcrop"
SCRIPT = f"{RUN_FOLDER}/script"
_ENVIRONMENT = f"{RUN_FOLDER}/environment"
_SHELLS = frozenset(("sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"))
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a task is told about the run; never part of a cache key."""

    run: str
    title: str
    task: str
    task_id: str
    attempt: int
    cache_key: str
    actor: str
    actor_id: str


def metadata_variables(metadata: Metadata) -> dict[str, str]:
    """The `RWX_…` variables and their `MINT_…` twins."""
    variables = {name: f"{RUN_FOLDER}/{folder}" for name, folder in outputs.FOLDERS.items()}
    variables |= {
        "RWX_RUN_ID": metadata.run,
        "RWX_RUN_URL": f"outcrop:run/{metadata.run}",
        "RWX_RUN_TITLE": metadata.title,
        "RWX_TASK_ID": metadata.task_id,
        "RWX_TASK_URL": f"outcrop:run/{metadata.run}/task/{metadata.task}",
        "RWX_TASK_ATTEMPT_NUMBER": str(metadata.attempt),
        "RWX_CACHE_KEY": metadata.cache_key,
        "RWX_ACTOR": metadata.actor,
        "RWX_ACTOR_ID": metadata.actor_id,
    }
    twins = {f"MINT_{name.removeprefix('RWX_')}": value for name, value in variables.items()}
    return {**variables, **twins, "CI": "true", "RWX": "true", "MINT": "true", "OUTCROP": "true"}


def process_environment(
    variables: Mapping[str, Variable], metadata: Metadata, home: str, user_name: str
) -> dict[str, str]:
    """Everything the task's process gets; what the task itself sets wins."""
    own = {name: variable.value for name, variable in variables.items()}
    login = {"HOME": home, "USER": user_name, "LOGNAME": user_name}
    return {**login, **metadata_variables(metadata), **own}


def write(folder: str, script: str, shell: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """Put the script into `folder`, which the sandbox sees as /run/outcrop, beside the output folders.

    A login profile may reset variables (Debian's resets `PATH`), so a shell first reads them anew;
    that stands on the first line of the script, so that the line numbers of its errors hold.
    """
    prelude = ""
    if os.path.basename(shell[0]) in _SHELLS:
        lines = [
            f"export {name}={_quoted(value)}\n"
            for name, value in variables.items()
            if _VARIABLE_NAME.match(name)
        ]
        lines.append(failed_line.prelude(shell, variables))
        _write(os.path.join(folder, "environment"), "".join(lines))
        prelude = f". {_ENVIRONMENT}; "
    _write(os.path.join(folder, "script"), f"{prelude}{script}\n")
    _write(os.path.join(folder, failed_line.NAME), "", mode=0o666)


def _write(path: str, text: str, mode: int = 0o644) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    os.chmod(path, mode)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
