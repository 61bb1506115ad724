"""Which extended attributes of files are kept in layers."""

from __future__ import annotations

import os

_KEPT = "security.capability"
_KEPT_PREFIX = "user."
_OVERLAY_PREFIX = "user.overlay."  # overlayfs keeps its own books there; copied, they would be believed


def kept_xattrs(path: str) -> tuple[tuple[str, bytes], ...]:
    """Capabilities and `user.*` of what is at `path` itself, sorted by name; none where unsupported."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        return ()
    return tuple(
        (name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names) if is_kept(name)
    )


def is_kept(name: str) -> bool:
    """True for the attributes that a layer keeps."""
    return name == _KEPT or (name.startswith(_KEPT_PREFIX) and not name.startswith(_OVERLAY_PREFIX))
