"""`rootfs:`: a directory and the tar files made of it are one and the same base."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.images.owners import OwnerMap
from engine.model.errors import UserError
from engine.pending_layer import ChangedMeanwhileError, materialise
from engine.store.store import Store
from tests.images.conftest import Bases
from tests.layer_checks import assert_as_described

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


def _tar(root: Path, target: Path, *options: str) -> Path:
    subprocess.run(["tar", "-C", str(root), *options, "-cf", str(target), "."], check=True)
    return target


@needs_root
@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz", "tar.zst", "tar.bz2"])
def test_an_archive_gives_the_layer_of_its_directory(
    bases: Bases, store: Store, root: Path, tmp_path: Path, suffix: str
) -> None:
    os.chown(root / "home", 1234, 3_000_000)
    os.setxattr(root / "one", "user.note", b"\xff\0=\n")
    for device in ("null", "whiteout"):
        os.mknod(root / "var/empty" / device, 0o20666, os.makedev(1, 3) if device == "null" else 0)
    options = ("--xattrs", "--xattrs-include=user.*", "--format=posix", "--sparse", "--auto-compress")
    try:
        _tar(root, tmp_path / f"root.{suffix}", *options)
    except subprocess.CalledProcessError:
        pytest.skip(f"this tar cannot make {suffix}")
    directory = bases.take("rootfs:root")
    archive = bases.take(f"rootfs:root.{suffix}")
    assert directory.base.layers == archive.base.layers
    assert directory.base.image == archive.base.image
    for digest in directory.base.layers:
        assert_as_described(store, digest)
    manifest = store.layers.manifest(directory.base.layers[0])
    assert manifest.links == {"two": "one"}
    assert manifest.entries["home"].gid == 3_000_000
    assert manifest.entries["bin/sh"].mode == 0o4755
    assert "var/empty/null" not in manifest.entries
    assert dict(manifest.entries["one"].xattrs) == {"user.note": b"\xff\0=\n"}


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_an_archive_is_written_as_described(
    bases: Bases, store: Store, root: Path, tmp_path: Path, suffix: str
) -> None:
    _tar(root, tmp_path / f"root.{suffix}", "--auto-compress", "--sparse")
    digest = bases.take(f"rootfs:root.{suffix}").base.layers[0]
    assert_as_described(store, digest)
    sparse = os.stat(os.path.join(store.layers.tree_path(digest), "sparse"))
    assert sparse.st_blocks * 512 < 1 << 20


def test_the_system_describes_itself(bases: Bases, root: Path) -> None:
    image = bases.take("rootfs:root").base.image
    assert (image.os, image.user, image.workspace) == ("debian 12", "0", "/var/mint-workspace")
    assert image.shell == ("/bin/sh", "-l", "-e")
    (root / "usr/bin").mkdir()
    (root / "usr/bin/bash").touch()
    (root / "bin/bash").symlink_to("/usr/bin/bash")
    assert bases.take("rootfs:root").base.image.shell == ("/bin/bash", "-l", "-e", "-o", "pipefail")
    (root / "usr/bin/bash").unlink()
    assert bases.take("rootfs:root").base.image.shell == ("/bin/sh", "-l", "-e")


def test_an_unchanged_directory_is_not_read(bases: Bases, root: Path) -> None:
    first = bases.take("rootfs:root")
    shutil.rmtree(root / "var/empty")
    (root / "var/empty").mkdir()
    for path in (root / "one", root / "bin/sh"):
        os.utime(path)
    assert bases.inspect("rootfs:root").base == first.base
    (root / "one").write_text("changed")
    assert bases.inspect("rootfs:root").base.layers != first.base.layers


def test_a_store_inside_the_root_is_no_part_of_it(bases: Bases, store: Store, root: Path) -> None:
    with Store.open(str(root / "var/store")) as inside:
        digest = Bases(inside, bases.directory).take("rootfs:root").base.layers[0]
        entries = inside.layers.manifest(digest).entries
    assert "var/empty" in entries
    assert "var/store" not in entries


@needs_root
def test_owners_and_attributes_of_a_root_count(bases: Bases, root: Path) -> None:
    seen = {bases.take("rootfs:root").base.layers}
    os.chown(root / "one", 7, 7)
    seen.add(bases.take("rootfs:root").base.layers)
    os.setxattr(root / "etc", "user.x", b"1")
    seen.add(bases.take("rootfs:root").base.layers)
    os.setxattr(root / "etc", "user.overlay.opaque", b"y")
    assert bases.take("rootfs:root").base.layers in seen
    assert len(seen) == 3


@needs_root
def test_file_capabilities_are_kept(bases: Bases, store: Store, root: Path) -> None:
    value = bytes.fromhex("0100000200200000000000000000000000000000")
    try:
        os.setxattr(root / "bin/sh", "security.capability", value)
    except OSError as error:
        pytest.skip(f"no file capabilities here: {error}")
    digest = bases.take("rootfs:root").base.layers[0]
    assert store.layers.manifest(digest).entries["bin/sh"].xattrs[0] == ("security.capability", value)
    assert_as_described(store, digest)


def test_an_ordinary_users_files_are_roots_inside() -> None:
    owners = OwnerMap(users=((1000, 0, 1), (100_000, 1, 65_536)), groups=((1000, 0, 1), (200_000, 1, 10)))
    assert owners.inside(1000, 1000) == (0, 0)
    assert owners.inside(100_032, 200_009) == (33, 10)
    assert owners.inside(0, 42) == (0, 42)
    assert OwnerMap().inside(1000, 33) == (1000, 33)


def _archive(path: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.mode = 0o755
    return info


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([_member("../escape")], "leads out of the root"),
        ([_member("a/../../escape")], "leads out of the root"),
        ([_member("link", tarfile.LNKTYPE, "../../etc/passwd")], "leads out of the root"),
        ([_member("link", tarfile.LNKTYPE, "missing")], "hard link `link` to `missing`, which is not there"),
        ([_member("l", tarfile.SYMTYPE, "nowhere"), _member("l/x")], "below a link that leads nowhere"),
        ([_member("l", tarfile.SYMTYPE, "l"), _member("l/x")], "below a link that leads nowhere"),
        ([_member("n" * 256)], "more than 255 bytes"),
    ],
)
def test_an_archive_that_leads_out_of_its_root_is_refused(
    bases: Bases, tmp_path: Path, members: list[tarfile.TarInfo], expected: str
) -> None:
    _archive(tmp_path / "bad.tar", *members)
    with pytest.raises(UserError, match=expected):
        bases.take("rootfs:bad.tar")


def test_links_are_followed_inside_the_root_only(bases: Bases, store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    _archive(
        tmp_path / "links.tar",
        _member(str(outside)[1:], tarfile.DIRTYPE),
        _member("escape", tarfile.SYMTYPE, str(outside)),
        (_member("escape/file"), b"inside"),
        _member("up", tarfile.SYMTYPE, "../../../../.."),
        (_member("up/top"), b"top"),
        (_member("/absolute/file"), b"absolute"),
        (_member("./dot/./file"), b"dot"),
    )
    digest = bases.take("rootfs:links.tar").base.layers[0]
    assert_as_described(store, digest)
    entries = store.layers.manifest(digest).entries
    assert f"{str(outside)[1:]}/file" in entries
    assert {"top", "absolute/file", "dot/file"} < entries.keys()
    assert os.listdir(outside) == []


def test_the_last_of_several_members_of_one_name_counts(bases: Bases, store: Store, tmp_path: Path) -> None:
    _archive(
        tmp_path / "twice.tar",
        (_member("a"), b"first"),
        _member("link-to-first", tarfile.LNKTYPE, "a"),
        (_member("a"), b"second"),
        (_member("d/inner"), b"gone"),
        (_member("d"), b"now a file"),
        (_member("f"), b"file"),
        (_member("f/below"), b"now a directory"),
    )
    digest = bases.take("rootfs:twice.tar").base.layers[0]
    assert_as_described(store, digest)
    tree = Path(store.layers.tree_path(digest))
    assert (tree / "a").read_text() == "second"
    assert (tree / "link-to-first").read_text() == "first"
    assert (tree / "d").read_text() == "now a file"
    assert (tree / "f/below").read_text() == "now a directory"


def test_a_damaged_archive_is_named(bases: Bases, root: Path, tmp_path: Path) -> None:
    archive = _tar(root, tmp_path / "root.tar.gz", "-z")
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(UserError, match=r"root\.tar\.gz"):
        bases.take("rootfs:root.tar.gz")
    (tmp_path / "text.tar").write_text("no archive at all, but long enough to be looked at " * 20)
    with pytest.raises(UserError, match=r"text\.tar.*cannot be read as a tar file"):
        bases.take("rootfs:text.tar")
    with pytest.raises(UserError, match="does not exist"):
        bases.take("rootfs:missing")


def test_a_root_that_changes_after_the_look_is_noticed(bases: Bases, root: Path) -> None:
    (root / "one").write_text("seen" * 10_000)
    found = bases.inspect("rootfs:root")
    (root / "one").write_text("else" * 10_000)
    with pytest.raises(ChangedMeanwhileError):
        materialise(found.pending[0], bases.store.layers)


@pytest.mark.parametrize("prepare", [lambda root: None, lambda root: (root / "new").touch()])
def test_looking_at_many_files_again_is_quick(
    bases: Bases, tmp_path: Path, prepare: Callable[[Path], object]
) -> None:
    root = tmp_path / "many"
    for number in range(50):
        (root / str(number)).mkdir(parents=True)
        for name in range(100):
            (root / str(number) / str(name)).write_text("x")
    bases.inspect("rootfs:many")
    time.sleep(0.06)  # the clock's ticks within which a change could hide: a wait for time itself
    bases.inspect("rootfs:many")
    prepare(root)
    started = time.process_time()
    bases.inspect("rootfs:many")
    assert time.process_time() - started < 1
