"""Reading and writing what an entry has besides content: kind, mode, owner, extended attributes.

Kept attributes: `security.capability`, `user.*` apart from overlayfs' own `user.overlay.*`, and
POSIX access lists. All others (`security.selinux`, `trusted.*`, …) belong to the machine, not to the build.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from engine.file_tree import DIRECTORY, Entry

OVERLAY_PREFIX = "user.overlay."
OPAQUE = "user.overlay.opaque"
_KEPT = frozenset({"security.capability", "system.posix_acl_access", "system.posix_acl_default"})
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFSOCK: "socket",
}
_TYPES = {kind: number for number, kind in _KINDS.items()}


def kind_of(status: os.stat_result) -> str:
    """The kind of an entry, or "socket", which no layer holds."""
    return _KINDS[stat.S_IFMT(status.st_mode)]


def is_whiteout(status: os.stat_result) -> bool:
    """Whether this is how an overlay says that something below is deleted (kernel: overlayfs.rst)."""
    return status.st_rdev == 0 and stat.S_ISCHR(status.st_mode)


def is_kept(xattr: str) -> bool:
    """Whether an extended attribute is part of an entry."""
    return xattr in _KEPT or (xattr.startswith("user.") and not xattr.startswith(OVERLAY_PREFIX))


def list_xattrs(path: str) -> list[str]:
    """All names; none where the filesystem has no such thing."""
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            return []
        raise


def read_xattrs(path: str, names: list[str]) -> tuple[tuple[str, bytes], ...]:
    """The kept ones of `names`, with their values, sorted."""
    return tuple(
        (name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names) if is_kept(name)
    )


def entry_of(path: str, status: os.stat_result, names: list[str], digest: str = "") -> Entry:
    """The entry for what is at `path`; `names` are its attributes, `digest` that of a file's content."""
    kind = kind_of(status)
    return Entry(
        kind,
        0o777 if kind == "symlink" else stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_size if kind == "file" else 0,
        digest,
        os.readlink(path) if kind == "symlink" else "",
        status.st_rdev if kind in ("character", "block") else 0,
        read_xattrs(path, names) if names else (),
        status.st_mtime_ns,
    )


def make(path: str, entry: Entry) -> None:
    """Create anything but a file, without its attributes."""
    if entry.kind == DIRECTORY:
        os.mkdir(path, 0o700)
    elif entry.kind == "symlink":
        os.symlink(entry.target, path)
    elif entry.kind == "fifo":
        os.mkfifo(path, 0o600)
    else:
        os.mknod(path, _TYPES[entry.kind] | 0o600, entry.device)


def make_whiteout(path: str) -> None:
    """Hide what is at this path in lower layers."""
    os.mknod(path, stat.S_IFCHR, 0)


def make_whiteouts(paths: Iterable[str]) -> None:
    """Hide what is at these paths in lower layers: names of one node, since nodes are slow to make."""
    node = ""
    for path in paths:
        if not node or not _is_linked(node, path):
            make_whiteout(path)
            node = path


def _is_linked(node: str, path: str) -> bool:
    """Give a node another name; False when it has as many as it can have."""
    try:
        os.link(node, path)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        return False
    return True


def apply(path: str, entry: Entry) -> None:
    """Give what is at `path` the owner, mode, extended attributes and time of `entry`, in this order:
    a change of owner clears set-id bits and capabilities."""
    status = os.lstat(path)
    if status.st_uid != entry.uid or status.st_gid != entry.gid:
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        status = os.lstat(path)
    if entry.kind != "symlink" and stat.S_IMODE(status.st_mode) != entry.mode:
        os.chmod(path, entry.mode)
    wanted = dict(entry.xattrs)
    for name in list_xattrs(path):
        if is_kept(name) and name not in wanted:
            os.removexattr(path, name, follow_symlinks=False)
    for name, value in entry.xattrs:
        os.setxattr(path, name, value, follow_symlinks=False)
    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)
