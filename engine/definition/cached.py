"""Loads a definition through a cache of compiled ones, so that an unchanged file costs no YAML.

Nothing here may import the reader or the schema at the top: this is on the path of every run.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import gc
import hashlib
import os

import msgspec

from engine import __version__
from engine.definition.loaded import Loaded
from engine.definition.package_path import package_directories
from engine.model.run_definition import RunDefinition

_FORMAT = "2"


class _Compiled(msgspec.Struct, frozen=True, array_like=True):
    """`files`: every file that decides, with the digest of its content, or "" for a missing one."""

    files: tuple[tuple[str, str], ...]
    definition: RunDefinition


def load_cached(path: str, cache_dir: str, *, package_paths: tuple[str, ...] = ()) -> Loaded:
    """As `load(path, package_paths=…, for_run=True)`, from the cache when no file has changed.

    `cache_dir` need not exist and need not be writable: then nothing is kept.
    UsageError when the file is not there or cannot be read.
    """
    absolute = os.path.abspath(path)
    directories = package_directories(package_paths)
    identity = "\0".join((_FORMAT, __version__, path, absolute, *directories))
    place = os.path.join(cache_dir, hashlib.sha256(os.fsencode(identity)).hexdigest())
    compiled = _read(place)
    if compiled is not None and all(_digest(file) == digest for file, digest in compiled.files):
        return Loaded(
            definition=compiled.definition,
            diagnostics=compiled.definition.notes,
            files=tuple(file for file, _ in compiled.files),
        )
    # Late: a hit must not pay for the YAML parser and the schema.
    from engine.definition.load import load

    before = _digest(absolute)
    loaded = load(path, package_paths=directories, for_run=True)
    if loaded.definition is not None:
        files = tuple((file, _digest(file)) for file in loaded.files)
        if before == _digest(absolute):
            _write(place, _Compiled(files, loaded.definition))
    return loaded


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def _read(place: str) -> _Compiled | None:
    try:
        with open(place, "rb") as file:
            data = file.read()
    except OSError:
        return None
    collects = gc.isenabled()
    gc.disable()  # decoding makes thousands of values, none of them garbage
    try:
        return msgspec.msgpack.decode(data, type=_Compiled)
    except msgspec.MsgspecError:
        return None
    finally:
        if collects:
            gc.enable()


def _write(place: str, compiled: _Compiled) -> None:
    temporary = f"{place}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(msgspec.msgpack.encode(compiled))
        os.replace(temporary, place)
    except OSError:
        pass  # a cache that cannot be written is no problem
