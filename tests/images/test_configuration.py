"""`base.config`: `none` makes the workspace, `rwx/base` a user too; `scratch` and `host:` have neither."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.images.host_system import host_image
from engine.images.remembered import Memory
from engine.model.errors import UserError
from engine.pending_layer import materialise
from engine.store.store import Store
from tests.images.conftest import Bases
from tests.layer_checks import assert_as_described

VERSION = "rwx/base 1.2.0"


def _text(store: Store, digest: str, path: str) -> str:
    return Path(store.layers.tree_path(digest), path).read_text()


def test_none_only_makes_the_workspace(bases: Bases, store: Store, root: Path) -> None:
    base = bases.take("rootfs:root").base
    manifest = store.layers.manifest(base.layers[1])
    assert list(manifest.entries) == ["var/mint-workspace"]
    assert list(manifest.passed) == ["", "var"]
    assert_as_described(store, base.layers[1])
    (root / "var/mint-workspace").mkdir()
    os.chown(root / "var/mint-workspace", os.getuid(), os.getgid())
    assert len(bases.take("rootfs:root").base.layers) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_rwx_base_makes_a_user(bases: Bases, store: Store, root: Path) -> None:
    (root / "etc/shadow").write_text("root:*:1::::::\n")
    (root / "etc/shadow").chmod(0o640)
    base = bases.take("rootfs:root", VERSION).base
    layer = base.layers[1]
    assert_as_described(store, layer)
    assert (base.image.user, base.owner) == ("rwx", (1000, 1000))
    assert _text(store, layer, "etc/passwd").splitlines()[1] == "rwx:x:1000:1000::/home/rwx:/bin/sh"
    assert _text(store, layer, "etc/group").splitlines()[1] == "rwx:x:1000:"
    assert _text(store, layer, "etc/shadow").splitlines()[1].startswith("rwx:!:")
    entries = store.layers.manifest(layer).entries
    assert entries["etc/shadow"].mode == 0o640
    assert (entries["home/rwx"].uid, entries["var/mint-workspace"].uid) == (1000, 1000)
    assert bases.inspect("rootfs:root", "rwx/base 9.9.9").base == base


@pytest.mark.parametrize(
    ("line", "user", "owner"),
    [
        ("node:x:1000:1001::/home/node:/bin/sh", "node", (1000, 1001)),
        ("rwx:x:500:500::/home/rwx:/bin/sh", "rwx", (500, 500)),
        ("node:x:1000:1001::/:/bin/sh\nrwx:x:500:500::/:/bin/sh", "rwx", (500, 500)),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_rwx_base_takes_the_user_that_is_there(
    bases: Bases, store: Store, root: Path, line: str, user: str, owner: tuple[int, int]
) -> None:
    with open(root / "etc/passwd", "a") as file:
        file.write(line)
    base = bases.take("rootfs:root", VERSION).base
    assert (base.image.user, base.owner) == (user, owner)
    assert list(store.layers.manifest(base.layers[1]).entries) == ["var/mint-workspace"]


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_a_user_file_behind_a_link_is_changed_where_it_is(bases: Bases, store: Store, root: Path) -> None:
    (root / "etc/passwd").rename(root / "usr/passwd")
    (root / "etc/passwd").symlink_to("/usr/passwd")
    base = bases.take("rootfs:root", VERSION).base
    assert "usr/passwd" in store.layers.manifest(base.layers[1]).entries
    assert "etc/passwd" not in store.layers.manifest(base.layers[1]).entries


def test_scratch_is_a_workspace_and_nothing_else(bases: Bases, store: Store) -> None:
    base = bases.take("scratch").base
    assert [list(store.layers.manifest(digest).entries) for digest in base.layers] == [
        ["var", "var/mint-workspace"]
    ]
    assert (base.image.os, base.host_digest, base.is_host) == (None, "", False)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_scratch_can_have_a_user(bases: Bases, store: Store) -> None:
    base = bases.take("scratch", VERSION).base
    assert _text(store, base.layers[0], "etc/passwd").startswith("root:x:0:0:")
    assert_as_described(store, base.layers[0])


def test_the_hosts_digest_is_that_of_its_packages(bases: Bases) -> None:
    base = bases.take("host:").base
    assert base.is_host
    assert base.layers == ()
    assert base.host_digest == base.sha == host_image(Memory(bases.store.root)).identity
    assert base.image.shell is not None
    assert base.image.shell[0] in ("/bin/bash", "/bin/sh")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_the_hosts_own_user_files_stay_as_they_are(bases: Bases, store: Store) -> None:
    base = bases.take("host:", VERSION).base
    assert base.image.user == "1000:1000"
    assert list(store.layers.manifest(base.layers[0]).entries) == [
        *("home", "home/rwx", "var", "var/mint-workspace"),
    ]


def test_a_lost_configuration_layer_is_made_again(bases: Bases, store: Store) -> None:
    digest = bases.take("scratch").base.layers[0]
    again = bases.inspect("scratch")
    assert again.pending[0].digest == digest
    with Store.open(store.root + "-other") as other:
        assert materialise(again.pending[0], other.layers) == digest


def test_what_is_no_base_is_refused(bases: Bases) -> None:
    with pytest.raises(UserError, match=r"`ubuntu:24\.04` is not supported yet as a base"):
        bases.inspect("ubuntu:24.04")
