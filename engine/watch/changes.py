"""What may have changed since the last look; a value."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import msgspec


class Changes(msgspec.Struct, frozen=True):
    """`paths`: absolute, each for itself and for everything below it. `is_everything`: look at everything."""

    paths: frozenset[str] = frozenset()
    is_everything: bool = False

    def joined(self, other: "Changes | None") -> "Changes":
        """Both."""
        if other is None:
            return self
        return Changes(self.paths | other.paths, self.is_everything or other.is_everything)


EVERYTHING = Changes(is_everything=True)
