"""Content digest of an open file."""

from __future__ import annotations

import hashlib
import os

_CHUNK = 1 << 20


def digest_descriptor(descriptor: int, size: int) -> str:
    """The digest of all that can be read from here on; `size` is what is expected, in bytes."""
    data = os.read(descriptor, min(size + 1, _CHUNK))
    if len(data) == size:
        return hashlib.sha256(data).hexdigest()
    content = hashlib.sha256(data)
    while data:
        data = os.read(descriptor, _CHUNK)
        content.update(data)
    return content.hexdigest()
