"""Files that only save work: one that cannot be written is no failure, one that is torn never appears."""

from __future__ import annotations

import os


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
