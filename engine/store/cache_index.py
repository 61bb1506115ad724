"""The SQLite index: what would be slow to find by walking the store; rebuilt from the files at any time."""

from __future__ import annotations


class CacheIndex:
    """Opened on first use, never on the path of a run in which everything is a hit."""

    def __init__(self, root: str, read_only: bool) -> None:
        raise NotImplementedError

    def durations(self, definition: str) -> dict[str, float]:
        """Seconds that each task of a definition took when it last executed."""
        raise NotImplementedError

    def put_durations(self, definition: str, seconds: dict[str, float]) -> None:
        """Remember how long tasks took; call once at the end of a run in which something executed."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the database."""
        raise NotImplementedError
