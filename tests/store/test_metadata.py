"""Attributes, odd names and odd kinds of files survive the way into a layer and back into a view."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

import pytest

from engine.file_tree import Entry, LayerManifest
from engine.filter import compile_patterns
from engine.model.errors import UserError
from engine.store.capture import OutputSelection
from engine.store.store import Store
from tests.store.tasks import WORKSPACE, Action, read_tree, run, run_captured, seen, timeless, view_of
from tests.store.test_layers import check_canonical

pytestmark = [pytest.mark.namespaces, pytest.mark.usefixtures("private_mounts")]

# Version 2, effective, `cap_net_raw` permitted (linux/capability.h).
NET_RAW = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
ACCESS_LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, permissions, owner)
    for tag, permissions, owner in [
        (0x01, 6, 0xFFFFFFFF),
        (0x02, 4, 1234),
        (0x04, 4, 0xFFFFFFFF),
        (0x10, 4, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]
)


def in_workspace(action: Action) -> Action:
    return lambda root: action(os.path.join(root, WORKSPACE))


def check_round_trip(store: Store, action: Action) -> LayerManifest:
    """Capture what the action makes: the manifest tells it, and a view of the layer shows it."""
    after: dict[str, tuple[object, ...]] = {}

    def act(root: str) -> None:
        action(os.path.join(root, WORKSPACE))
        after.update(timeless(read_tree(root)))

    captured = run_captured(store, view_of(store, ()), act)
    digest = store.layers.commit(captured)
    assert digest is not None
    view = view_of(store, (digest,))
    assert timeless(view.tree) == after
    assert timeless(seen(store, view)) == after
    check_canonical(store, digest)
    return captured.manifest


def entry(manifest: LayerManifest, name: str) -> Entry:
    return manifest.entries[f"{WORKSPACE}/{name}"]


def test_modes_owners_and_capabilities(store: Store) -> None:
    def action(here: str) -> None:
        path = os.path.join(here, "ping")
        Path(path).write_text("x")
        os.chown(path, 12, 34)
        os.chmod(path, 0o4751)
        os.setxattr(path, "security.capability", NET_RAW)
        os.mkdir(os.path.join(here, "sticky"))
        os.chmod(os.path.join(here, "sticky"), 0o3777)

    manifest = check_round_trip(store, action)
    ping = entry(manifest, "ping")
    assert (ping.mode, ping.uid, ping.gid) == (0o4751, 12, 34)
    assert ping.xattrs == (("security.capability", NET_RAW),)
    assert entry(manifest, "sticky").mode == 0o3777


def test_extended_attributes_and_access_lists(store: Store) -> None:
    def action(here: str) -> None:
        path = os.path.join(here, "file")
        Path(path).write_text("x")
        os.setxattr(path, "user.note", b"\0binary\xff")
        os.setxattr(path, "system.posix_acl_access", ACCESS_LIST)
        os.setxattr(here, "user.of-a-directory", b"1")
        os.setxattr(path, "trusted.machine", b"1")

    names = [name for name, _ in entry(check_round_trip(store, action), "file").xattrs]
    assert names == ["system.posix_acl_access", "user.note"]


def test_a_changed_attribute_is_a_change_and_the_same_one_is_not(store: Store) -> None:
    def first(here: str) -> None:
        Path(here, "file").write_text("x")
        os.setxattr(os.path.join(here, "file"), "security.capability", NET_RAW)

    lower = run(store, (), in_workspace(first))

    def rewrite(here: str) -> None:
        os.unlink(os.path.join(here, "file"))
        first(here)

    def drop(here: str) -> None:
        os.removexattr(os.path.join(here, "file"), "security.capability")

    assert run(store, (lower,), in_workspace(rewrite)) is None
    changed = run(store, (lower,), in_workspace(drop))
    assert changed is not None
    assert entry(store.layers.manifest(changed), "file").xattrs == ()


ODD_NAMES = [
    b"new\nline",
    b"\xff\xfe not UTF-8",
    b"a" * 255,
    b" ",
    b"-rf",
    b"'\"`$(x)",
    "ünï ☃ 🪨".encode(),
    b"\\",
]


def test_odd_names(store: Store) -> None:
    def action(here: str) -> None:
        for number, name in enumerate(ODD_NAMES):
            directory = os.path.join(os.fsencode(here), b"d%d" % number, name)
            os.makedirs(directory)
            Path(os.fsdecode(os.path.join(directory, name))).write_bytes(name)
            os.symlink(name, os.path.join(directory, b"link"))

    manifest = check_round_trip(store, action)
    link = os.fsdecode(b"d1/" + ODD_NAMES[1] + b"/link")
    assert os.fsencode(entry(manifest, link).target) == ODD_NAMES[1]


def test_deleting_odd_names(store: Store) -> None:
    def make(here: str) -> None:
        for name in ODD_NAMES:
            Path(here, os.fsdecode(name)).write_bytes(name)

    def remove(here: str) -> None:
        for name in ODD_NAMES:
            os.unlink(os.path.join(os.fsencode(here), name))

    lower = run(store, (), in_workspace(make))
    upper = run(store, (lower,), in_workspace(remove))
    assert lower is not None
    assert upper is not None
    with Store.open(store.root) as other:  # reads the manifests from the disk
        view = view_of(other, (lower, upper))
        assert sorted(view.tree) == ["", "var", WORKSPACE]
        assert timeless(seen(other, view)) == timeless(view.tree)


def test_sparse_files_stay_sparse_and_have_the_digest_of_their_content(store: Store) -> None:
    size = 200 << 20

    def sparse(here: str) -> None:
        with open(os.path.join(here, "image"), "wb") as file:
            file.truncate(size)
            file.seek(100 << 20)
            file.write(b"data")

    manifest = check_round_trip(store, sparse)
    assert entry(manifest, "image").size == size
    layer = store.layers.digests()[0]
    on_disk = os.stat(os.path.join(store.layers.tree_path(layer), WORKSPACE, "image"))
    assert on_disk.st_blocks * 512 < 1 << 20
    header = store.layers.header(layer)
    assert header is not None
    assert header.bytes < 1 << 20


def test_fifos_are_kept_and_devices_have_their_numbers(store: Store) -> None:
    def action(here: str) -> None:
        os.mkfifo(os.path.join(here, "pipe"), 0o620)
        os.mknod(os.path.join(here, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))

    manifest = check_round_trip(store, action)
    assert entry(manifest, "pipe").kind == "fifo"
    assert entry(manifest, "null").device == os.makedev(1, 3)


def test_sockets_are_left_out_with_a_warning(store: Store) -> None:
    lower = run(store, (), in_workspace(lambda here: Path(here, "s").write_text("a file")))

    def action(here: str) -> None:
        os.unlink(os.path.join(here, "s"))
        old = os.getcwd()
        os.chdir(here)
        for name in ("s", "t"):
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(name)
        os.chdir(old)

    assert lower is not None
    captured = run_captured(store, view_of(store, (lower,)), in_workspace(action))
    assert captured.warnings == tuple(f"the socket `/{WORKSPACE}/{name}` is not kept" for name in "st")
    assert captured.manifest.deleted == (f"{WORKSPACE}/s",)
    digest = store.layers.commit(captured)
    assert digest is not None
    check_canonical(store, digest)


@pytest.mark.parametrize("name", [".wh.x", ".wh..wh..opq", "d/.wh.y"])
def test_names_that_mean_deletions_in_images_are_refused(store: Store, name: str) -> None:
    def action(here: str) -> None:
        os.makedirs(os.path.dirname(os.path.join(here, name)), exist_ok=True)
        Path(here, name).write_text("x")

    with pytest.raises(UserError) as caught:
        run(store, (), in_workspace(action))
    assert name in caught.value.message
    only_others = OutputSelection(workspace=WORKSPACE, in_workspace=compile_patterns([("other", True)]))
    assert run(store, (), in_workspace(action), selected=only_others) is None


def test_a_device_0_0_cannot_be_imported(store: Store) -> None:
    manifest = LayerManifest({"dev/zero": Entry("character", 0o600, 0, 0)})
    with pytest.raises(UserError, match="0:0"):
        store.layers.import_tree(manifest, lambda directory: None)


def test_a_path_that_is_too_long_is_the_users_error(store: Store) -> None:
    def action(here: str) -> None:
        old = os.getcwd()
        os.chdir(here)
        for _ in range(17):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        os.chdir(old)

    with pytest.raises(UserError, match="cannot be kept"):
        run(store, (), in_workspace(action))


def test_hard_links_within_a_layer(store: Store) -> None:
    def action(here: str) -> None:
        Path(here, "b").write_text("x")
        os.link(os.path.join(here, "b"), os.path.join(here, "a"))
        os.link(os.path.join(here, "b"), os.path.join(here, "c"))

    captured = run_captured(store, view_of(store, ()), in_workspace(action))
    assert captured.manifest.links == {f"{WORKSPACE}/{later}": f"{WORKSPACE}/a" for later in "bc"}
    digest = store.layers.commit(captured)
    assert digest is not None
    assert captured.bytes <= 5 * 4096
    tree = os.path.join(store.layers.tree_path(digest), WORKSPACE)
    assert len({os.stat(os.path.join(tree, name)).st_ino for name in "abc"}) == 1

    def separate(here: str) -> None:
        for name in "abc":
            Path(here, name).write_text("x")

    assert run(store, (), in_workspace(separate)) == digest


def test_writing_to_one_name_of_a_lower_hard_link_leaves_the_layer_alone(store: Store) -> None:
    def link(here: str) -> None:
        Path(here, "a").write_text("x")
        os.link(os.path.join(here, "a"), os.path.join(here, "b"))

    lower = run(store, (), in_workspace(link))
    assert lower is not None
    before = timeless(read_tree(store.layers.tree_path(lower)))
    run(store, (lower,), in_workspace(lambda here: Path(here, "a").write_text("y")))
    run(store, (lower,), in_workspace(lambda here: os.chmod(os.path.join(here, "b"), 0)), patterns=["b"])
    assert timeless(read_tree(store.layers.tree_path(lower))) == before


def test_times_are_kept_and_are_in_no_digest(store: Store) -> None:
    def at(when: int) -> Action:
        def action(here: str) -> None:
            Path(here, "f").write_text("x")
            os.utime(os.path.join(here, "f"), ns=(when, when))

        return in_workspace(action)

    first = run(store, (), at(1_000_000_007))
    assert first is not None
    assert entry(store.layers.manifest(first), "f").mtime_ns == 1_000_000_007
    assert run(store, (), at(2)) == first
    assert run(store, (first,), at(3)) is None


def test_what_no_layer_holds(store: Store) -> None:
    def action(root: str) -> None:
        for path in ("proc/x", "sys/x", "dev/x", "run/outcrop/x", "run/kept"):
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            Path(root, path).write_text("x")

    digest = run(store, (), action)
    assert digest is not None
    assert list(store.layers.manifest(digest).entries) == ["run", "run/kept"]
    check_canonical(store, digest)
