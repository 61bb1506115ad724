"""`base.config`: the workspace, and for `rwx/base` a user, made as a layer without running anything.

`none` only makes sure that the workspace is there. `rwx/base` (any version) looks for a user named
`rwx`, else for uid 1000, else adds `rwx` with uid and gid 1000 to /etc/passwd, /etc/group and, where
it exists, /etc/shadow, with a home directory. With `host:` those files are this machine's own and
stay as they are: the user is then the number 1000.
"""

from __future__ import annotations

import msgspec

from engine.file_tree import Entry, FileTree, parents_of
from engine.images.base_image import WORKSPACE, SourceImage
from engine.images.operating_system import find, os_of, shell_of
from engine.images.small_layer import file_entry, small_layer
from engine.model.errors import UserError
from engine.model.records import ImageConfig
from engine.pending_layer import PendingLayer

_USER = "rwx"
_ID = 1000


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What `base.config` adds: a layer, unless there is nothing to add, and the image configuration."""

    layer: PendingLayer | None
    image: ImageConfig
    owner: tuple[int, int]


def configure(source: SourceImage, config: str) -> Configured:
    """Apply `config` (`none`, or `rwx/base VERSION`) to an image."""
    changes = _Changes(source.tree())
    user, owner = "0", (0, 0)
    if config != "none":
        user, owner = _add_user(source, changes)
    if not source.is_host or owner != (0, 0):  # with `host:` the skeleton has the workspace already
        changes.add_directory(WORKSPACE.strip("/"), owner)
    if source.is_host:
        shell, system = _host_shell_and_os(source)
    else:
        shell, system = shell_of(changes.tree), os_of(changes.tree, source.read)
    image = ImageConfig(
        user=user,
        workspace=WORKSPACE,
        shell=shell,
        os=system or None,
        entrypoint=source.entrypoint,
        command=source.command,
    )
    return Configured(layer=changes.layer(), image=image, owner=owner)


class _Changes:
    """Entries to add to a tree, with the directories on the way."""

    def __init__(self, tree: FileTree) -> None:
        self.tree = tree
        self.entries: dict[str, Entry] = {}
        self.contents: dict[str, bytes] = {}
        self.passed: dict[str, Entry] = {}

    def add_directory(self, path: str, owner: tuple[int, int]) -> None:
        """Make a directory of this owner, unless there is one of this owner already."""
        entry = self.tree.get(path)
        if entry is None or entry.kind != "directory" or (entry.uid, entry.gid) != owner:
            mode = entry.mode if entry is not None and entry.kind == "directory" else 0o755
            self._add(path, Entry("directory", mode, *owner))

    def replace_file(self, path: str, content: bytes, otherwise: int) -> None:
        """Give a file a new content; `otherwise` is its mode when it is new."""
        entry = self.tree.get(path)
        if entry is None or entry.kind != "file":
            self._add(path, file_entry(content, otherwise))
        else:
            self._add(path, file_entry(content, entry.mode, entry.uid, entry.gid))
        self.contents[path] = content

    def layer(self) -> PendingLayer | None:
        """All of it; None when it is nothing."""
        if not self.entries:
            return None
        return small_layer(self.entries, self.contents, self.passed)

    def _add(self, path: str, entry: Entry) -> None:
        self.entries[path] = entry
        for parent in parents_of(path):
            below = self.tree.get(parent)
            if parent in self.entries:
                continue
            if below is not None and below.kind == "directory":
                self.passed[parent] = below
            elif parent:
                self.entries[parent] = Entry("directory", 0o755, 0, 0)
            else:
                self.passed[parent] = Entry("directory", 0o755, 0, 0)


def _add_user(source: SourceImage, changes: _Changes) -> tuple[str, tuple[int, int]]:
    """The user of `rwx/base`, added where it is missing: its name or number, and its ids."""
    if source.is_host:
        changes.add_directory(f"home/{_USER}", (_ID, _ID))
        return f"{_ID}:{_ID}", (_ID, _ID)
    passwd_path, passwd = _read(source, "etc/passwd")
    group_path, group = _read(source, "etc/group")
    shadow_path, shadow = _read(source, "etc/shadow")
    users = [line.split(":") for line in passwd.decode("utf-8", "replace").splitlines()]
    users = [fields for fields in users if len(fields) >= 7 and (fields[2] + fields[3]).isdecimal()]
    for fields in sorted(users, key=lambda fields: fields[0] != _USER):
        if fields[0] == _USER or fields[2] == str(_ID):
            return fields[0], (int(fields[2]), int(fields[3]))
    if not users:
        passwd += b"root:x:0:0:root:/root:/bin/sh\n"
    groups = [line.split(":") for line in group.decode("utf-8", "replace").splitlines()]
    if not groups:
        group += b"root:x:0:\n"
    if not any(len(fields) >= 3 and fields[2] == str(_ID) for fields in groups):
        group = _with_line(group, f"{_USER}:x:{_ID}:")
        changes.replace_file(group_path, group, 0o644)
    shell = "/bin/bash" if find(changes.tree, "bin/bash") else "/bin/sh"
    passwd = _with_line(passwd, f"{_USER}:x:{_ID}:{_ID}::/home/{_USER}:{shell}")
    changes.replace_file(passwd_path, passwd, 0o644)
    if shadow:
        changes.replace_file(shadow_path, _with_line(shadow, f"{_USER}:!:19700:0:99999:7:::"), 0o640)
    changes.add_directory(f"home/{_USER}", (_ID, _ID))
    return _USER, (_ID, _ID)


def _read(source: SourceImage, path: str) -> tuple[str, bytes]:
    """Where a file is, links followed, and its content; empty when there is none."""
    found = find(source.tree(), path)
    if found is None:
        return path, b""
    if found[1].kind != "file":
        raise UserError(f"`/{path}` of the base is no file")
    return found[0], source.read(found[0]) or b""


def _with_line(content: bytes, line: str) -> bytes:
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return content + line.encode() + b"\n"


def _host_shell_and_os(source: SourceImage) -> tuple[tuple[str, ...], str]:
    # Late: the rest of that module asks the package database, which nobody wants twice.
    from engine.images.host_system import host_os, host_shell

    return host_shell(), host_os()
