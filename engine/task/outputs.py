"""What a task says by writing files: variables, values, image configuration (reference §10–§13)."""

from __future__ import annotations

import os
import re

import msgspec

from engine.events import Message, MessageType
from engine.model.errors import UserError
from engine.model.records import ExportedVariable, ImageConfig
from engine.task import hostile_files
from engine.task.breakpoint_path import without_breakpoints

# Variable -> folder below /run/outcrop. Every one also exists as `MINT_…`.
FOLDERS = {
    "RWX_ENV": "env",
    "RWX_CACHE_KEY_EXCLUDED_ENV": "cache-key-excluded-env",
    "RWX_VALUES": "values",
    "RWX_ARTIFACTS": "artifacts",
    "RWX_TEST_RESULTS": "test-results",
    "RWX_IMAGE": "image",
    "RWX_LINKS": "links",
    "RWX_ERRORS": "errors",
    "RWX_WARNINGS": "warnings",
    "RWX_INFO": "info",
    "RWX_TIPS": "tips",
    "RWX_DYNAMIC_TASKS": "dynamic-tasks",
    "RWX_HOOKS_BEFORE_TASK": "hooks-before-task",
    "RWX_HOOKS_AFTER_TASK": "hooks-after-task",
    "RWX_RETRY_ACTIONS": "retry-actions",
    "RWX_RETRY_DATA": "retry-data",
    "RWX_OTEL_SPAN": "otel-span",
}
_MESSAGES: tuple[tuple[str, MessageType], ...] = (
    ("RWX_ERRORS", "error"),
    ("RWX_WARNINGS", "warning"),
    ("RWX_INFO", "info"),
    ("RWX_TIPS", "info"),
)
_NOT_SUPPORTED = {
    "RWX_DYNAMIC_TASKS": "dynamic tasks",
    "RWX_HOOKS_BEFORE_TASK": "hooks",
    "RWX_HOOKS_AFTER_TASK": "hooks",
}
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MESSAGE_LIMIT = 10 * hostile_files.MEBIBYTE
_PORT = re.compile(r"(\d{1,5})(/(tcp|udp))?\Z")


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the artifacts; `artifact_names` are the entries of `$RWX_ARTIFACTS`."""

    exports: tuple[ExportedVariable, ...] = ()
    values: dict[str, str] = {}
    image: ImageConfig = ImageConfig()
    links: dict[str, str] = {}
    artifact_names: tuple[str, ...] = ()


def prepare(root: str) -> None:
    """Make the empty folders below `root`, writable for whatever user the task has."""
    os.mkdir(root, 0o755)
    for folder in FOLDERS.values():
        path = os.path.join(root, folder)
        os.mkdir(path)
        os.chmod(path, 0o777)


def collect(root: str) -> Collected:
    """What a task that succeeded has said; UserError for what it may not say."""
    for variable, words in _NOT_SUPPORTED.items():
        if hostile_files.names(_folder(root, variable)):
            raise UserError(f"{words} (`${variable}`) are not supported yet")
    return Collected(
        exports=(*_exports(root, "RWX_ENV", True), *_exports(root, "RWX_CACHE_KEY_EXCLUDED_ENV", False)),
        values=dict(hostile_files.texts(_folder(root, "RWX_VALUES"), "RWX_VALUES")),
        image=_image(_folder(root, "RWX_IMAGE")),
        links=dict(hostile_files.texts(_folder(root, "RWX_LINKS"), "RWX_LINKS")),
        artifact_names=tuple(
            hostile_files.printable_name(name, "RWX_ARTIFACTS")
            for name in hostile_files.names(_folder(root, "RWX_ARTIFACTS"))
        ),
    )


def messages(root: str) -> tuple[Message, ...]:
    """The messages of a task, failed ones too; what can't be read becomes a message that says so."""
    found = []
    for variable, kind in _MESSAGES:
        for name in hostile_files.names(_folder(root, variable)):
            try:
                text = hostile_files.read_text(_folder(root, variable), name, variable, _MESSAGE_LIMIT)
            except UserError as error:
                found.append(Message(type="warning", message=error.message))
            else:
                found.append(Message(type=kind, message=text))
    return tuple(found)


def _folder(root: str, variable: str) -> str:
    return os.path.join(root, FOLDERS[variable])


def _exports(root: str, variable: str, in_cache_key: bool) -> list[ExportedVariable]:
    exports = []
    for name, value in hostile_files.texts(_folder(root, variable), variable):
        if not _VARIABLE_NAME.match(name):
            raise UserError(
                f"`${variable}/{name}` is not the name of a variable",
                "use letters, digits and `_`, not beginning with a digit",
            )
        if name == "PATH":
            value = without_breakpoints(value)
        exports.append(ExportedVariable(name=name, value=value, in_cache_key=in_cache_key))
    return exports


def _image(folder: str) -> ImageConfig:
    present = hostile_files.names(folder)
    if not present:  # also when the folder is a link now
        return ImageConfig()

    def text(name: str) -> str | None:
        return hostile_files.read_text(folder, name, "RWX_IMAGE") if name in present else None

    workspace = text("workspace")
    if workspace is not None and not workspace.startswith("/"):
        raise UserError(f"`$RWX_IMAGE/workspace` is `{workspace}`, not an absolute path")
    shell = text("shell")
    command, clears_command = _arguments(text("command"), text("command.json"), "command")
    entrypoint, clears_entrypoint = _arguments(text("entrypoint"), text("entrypoint.json"), "entrypoint")
    healthcheck = text("healthcheck.json")
    if healthcheck is not None:
        _json(healthcheck, "healthcheck.json")
    return ImageConfig(
        user=text("user"),
        workspace=workspace,
        shell=None if shell is None else _split(shell, "shell"),
        os=text("os"),
        command=command,
        clears_command=clears_command or (entrypoint is not None and command is None),
        entrypoint=entrypoint,
        clears_entrypoint=clears_entrypoint,
        labels=_subfolder(folder, "labels"),
        annotations=_subfolder(folder, "annotations"),
        expose=tuple(_port(name, value) for name, value in _subfolder(folder, "expose").items()),
        volumes=tuple(line for line in (text("volumes") or "").splitlines() if line),
        healthcheck=healthcheck,
        stop_signal=text("stop-signal"),
    )


def _subfolder(folder: str, name: str) -> dict[str, str]:
    return dict(hostile_files.texts(os.path.join(folder, name), f"RWX_IMAGE/{name}"))


def _port(name: str, protocol: str) -> str:
    match = _PORT.match(name)
    if not match or not 0 < int(match[1]) < 65536 or protocol not in ("", "tcp", "udp"):
        raise UserError(f"`$RWX_IMAGE/expose/{name}` is not a port", "use a name such as `8080`")
    return name if match[2] else f"{name}/{protocol or 'tcp'}"


def _arguments(plain: str | None, exact: str | None, name: str) -> tuple[tuple[str, ...] | None, bool]:
    """The argument list, and whether an inherited one is cleared."""
    if exact is not None:
        value = _json(exact, f"{name}.json")
        if value is None:
            return None, True
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UserError(f"`$RWX_IMAGE/{name}.json` is not a list of strings")
        return tuple(value), False
    if plain is None:
        return None, False
    words = _split(plain, name)
    return (words, False) if words else (None, True)


def _json(text: str, name: str) -> object:
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise UserError(f"`$RWX_IMAGE/{name}` is not JSON: {error}") from None
    return value


def _split(text: str, name: str) -> tuple[str, ...]:
    import shlex  # only tasks that configure an image need it

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(f"`$RWX_IMAGE/{name}` can't be split into words: {error}") from None
