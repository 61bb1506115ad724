"""Files that only save work: one that cannot be written is no failure, one that is torn never appears."""

from __future__ import annotations

import hashlib
import os
from typing import TypeVar

import msgspec

_Answer = TypeVar("_Answer", bound=msgspec.Struct)


def write_cache(path: str, content: bytes) -> None:
    """Write the file whole, or leave things as they are."""
    aside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(aside, "wb") as file:
            file.write(content)
        os.replace(aside, path)
    except OSError:
        try:
            os.unlink(aside)
        except OSError:
            return


def recall(store_root: str, question: str, kind: type[_Answer]) -> _Answer | None:
    """What `remember` kept as the answer, or None."""
    try:
        with open(_answer_path(store_root, question), "rb") as file:
            return msgspec.msgpack.decode(file.read(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remember(store_root: str, question: str, answer: msgspec.Struct) -> None:
    """Keep the answer; `question` must say all that it depends on. One with odd names is not kept."""
    try:
        content = msgspec.msgpack.encode(answer)
    except UnicodeEncodeError:
        return
    write_cache(_answer_path(store_root, question), content)


def _answer_path(store_root: str, question: str) -> str:
    name = hashlib.sha256(question.encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(store_root, "snapshots-v1", name)
