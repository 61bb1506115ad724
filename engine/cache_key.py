"""What makes two tasks the same: the one file that decides what goes into a cache key (reference §9)."""

from __future__ import annotations

import hashlib

import msgspec

from engine.model.records import CacheKeyRecord

KEY_FORMAT = 1


def cache_key(record: CacheKeyRecord) -> str:
    """The digest of a record, 64 hex digits.

    The names of the tasks that brought the system layers are for `outcrop why`; they are left
    out here, so that a task renamed or reached by another route is still the same.
    """
    parts = (
        KEY_FORMAT,
        record.version,
        record.script,
        record.outputs,
        record.shell,
        record.user,
        record.workspace_directory,
        record.platform,
        record.network,
        sorted(record.environment.items()),
        [digest for _, digest in record.system],
        record.workspace,
        sorted(record.artifacts.items()),
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
