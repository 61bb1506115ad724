"""Images that others made: every form is found, its files are told, and their contents are where they are."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.images.image_record import FOLDER
from engine.images.inspected import InspectedImage
from engine.images.registration import register
from engine.layer_files.stack import Stack
from engine.model.errors import StoreError, UsageError, UserError
from engine.store import garbage
from engine.store.accounting import usage
from engine.store.store import Store
from tests.images.image_archives import (
    Item,
    configuration,
    directory,
    docker_archive,
    file,
    joined,
    layer,
    layout,
    oci_archive,
    sha256,
    tar_of,
    write_layout,
)

_LOWER = layer(
    [
        directory("etc"),
        Item("etc/motd", content=b"hello\n", uid=7),
        directory("old"),
        Item("old/a", content=b"a"),
        Item("old/b", content=b"b"),
        Item("first", content=b"shared"),
        Item("null", "character", mode=0o666),
        Item("pipe", "fifo"),
        Item("empty"),
    ]
)
_UPPER = layer(
    [
        Item("etc/motd", content=b"good bye\n", uid=7),
        directory("old"),
        Item("old/.wh..wh..opq"),
        Item("old/c", content=b"c"),
        Item(".wh.pipe"),
        Item("second", "link", target="first"),
        Item("deep/er/x", content=b"deep"),
        Item("third", "link", target="deep/er/x"),
    ]
)
_LAYERS = (_LOWER, _UPPER)
_OTHER = layer([Item("other", content=b"other")])


class Images:
    """Registers image files in a store of the test, and opens them."""

    def __init__(self, store_root: str) -> None:
        self.store_root = store_root

    def __call__(self, text: str | Path, **more: str) -> InspectedImage:
        return InspectedImage.open(self.store_root, register(str(text), self.store_root, **more))  # type: ignore[arg-type]

    def content(self, image: InspectedImage, layer: int, path: str) -> bytes:
        """What a file of a layer holds."""
        place = image.locate(layer, path)
        descriptor = place.open()
        try:
            return os.pread(descriptor, place.size, place.offset)
        finally:
            os.close(descriptor)


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """For image files of this test."""
    return Images(str(tmp_path / "store"))


def _new_docker_archive(path: Path) -> Path:
    """What docker 25 and later write: a layout, and a manifest of docker's that names its blobs."""
    files = layout(_LAYERS, "1.2", packed=False)
    names = [f"blobs/sha256/{sha256(one)[7:]}" for one in _LAYERS]
    config = f"blobs/sha256/{sha256(configuration(_LAYERS))[7:]}"
    manifest = [{"Config": config, "RepoTags": ["example/app:1.2"], "Layers": names}]
    path.write_bytes(tar_of([*files.items(), ("manifest.json", json.dumps(manifest).encode())]))
    return path


def _oldest_docker_archive(path: Path) -> Path:
    """Before docker 1.10: a chain of layers, and no manifest."""
    top = {"id": "b", "parent": "a", "os": "linux", "container_config": {"Cmd": ["/bin/sh", "-c", "two"]}}
    files = [
        ("a/json", b'{"id": "a", "os": "linux"}'),
        ("a/layer.tar", _LOWER),
        ("b/json", json.dumps(top).encode()),
        ("b/layer.tar", _UPPER),
        ("repositories", b'{"example/app": {"1.2": "b"}}'),
    ]
    path.write_bytes(tar_of(files))
    return path


def _packed(path: Path, pack: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(pack(docker_archive(path, _LAYERS).read_bytes()))
    return path


_FORMS: dict[str, Callable[[Path], str | Path]] = {
    "docker": lambda path: docker_archive(path, _LAYERS),
    "docker, new": _new_docker_archive,
    "docker, oldest": _oldest_docker_archive,
    "docker, gzip": lambda path: _packed(path, gzip.compress),
    "docker, xz": lambda path: _packed(path, lzma.compress),
    "docker, said": lambda path: f"docker-archive:{docker_archive(path, _LAYERS)}",
    "docker, tag": lambda path: f"{docker_archive(path, _LAYERS)}:app:1.2",
    "docker, registry left out": lambda path: (
        f"{docker_archive(path, _LAYERS, ('registry.example/me/app:1.2',))}:me/app:1.2"
    ),
    "archive": lambda path: oci_archive(path, layout(_LAYERS, "1.2")),
    "archive, plain": lambda path: oci_archive(path, layout(_LAYERS, "1.2", packed=False)),
    "archive, tag": lambda path: f"oci-archive:{oci_archive(path, layout(_LAYERS, '1.2'))}:1.2",
    "layout": lambda path: write_layout(path, layout(_LAYERS, "1.2")),
    "layout, plain": lambda path: write_layout(path, layout(_LAYERS, "1.2", packed=False)),
    "layout, tag": lambda path: f"oci:{write_layout(path, layout(_LAYERS, '1.2'))}:1.2",
}


@pytest.mark.parametrize("form", _FORMS)
def test_every_form_of_an_image_is_read_alike(form: str, images: Images, tmp_path: Path) -> None:
    image = images(_FORMS[form](tmp_path / "odd\udcff:name"))
    state = Stack(image.layers).state()
    assert {path: entry.kind for path, entry in state.tree().items()} == {
        "": "directory",
        "deep": "directory",
        "deep/er": "directory",
        "deep/er/x": "file",
        "empty": "file",
        "etc": "directory",
        "etc/motd": "file",
        "first": "file",
        "null": "character",
        "old": "directory",
        "old/c": "file",
        "second": "file",
        "third": "file",
    }
    assert image.layers[0].entry("pipe") is not None
    motd = state.entry("etc/motd")
    assert motd is not None and (motd.uid, motd.mode, motd.size) == (7, 0o644, 9)
    assert images.content(image, 0, "etc/motd") == b"hello\n"
    assert images.content(image, 1, "etc/motd") == b"good bye\n"
    assert images.content(image, 1, "deep/er/x") == images.content(image, 1, "third") == b"deep"
    assert images.content(image, 1, "second") == b"shared"
    assert images.content(image, 0, "empty") == b""


def test_zstd_layers_are_read(images: Images, tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("there is no zstd")
    packed = subprocess.run(["zstd", "-q", "-c"], input=_LOWER, capture_output=True, check=True).stdout
    archive = tmp_path / "image.tar"
    manifest = json.dumps([{"Config": "c", "RepoTags": None, "Layers": ["l"]}]).encode()
    archive.write_bytes(tar_of([("l", packed), ("c", configuration([_LOWER])), ("manifest.json", manifest)]))
    assert images.content(images(archive), 0, "etc/motd") == b"hello\n"


def test_layers_have_their_entries_of_the_history(images: Images, tmp_path: Path) -> None:
    layers = images(docker_archive(tmp_path / "image.tar", _LAYERS)).record.layers
    assert [one.name for one in layers] == ["RUN step 0", "RUN step 1"]
    assert layers[0].created_at == 1714979289
    assert [one.digest for one in layers] == [sha256(_LOWER), sha256(_UPPER)]


def test_links_among_the_members_of_an_archive_lead_to_layers(images: Images, tmp_path: Path) -> None:
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}]
    files = [("a/layer.tar", _LOWER), ("c.json", configuration((_LOWER, _LOWER)))]
    path = tmp_path / "image.tar"
    links = [("b/layer.tar", "../a/layer.tar")]
    path.write_bytes(tar_of([*files, ("manifest.json", json.dumps(manifest).encode())], links))
    assert images.content(images(path), 1, "etc/motd") == b"hello\n"


def test_of_several_images_one_is_chosen_by_its_tag(images: Images, tmp_path: Path) -> None:
    files = joined(layout([_LOWER], "one"), layout([_OTHER], "two"))
    path = oci_archive(tmp_path / "image.tar", files)
    with pytest.raises(UserError, match="its tags are `one`, `two`"):
        images(path)
    with pytest.raises(UserError, match="no image with the tag `three`"):
        images(f"{path}:three")
    assert images(f"{path}:two").layers[0].entry("other") is not None


def test_of_several_platforms_one_is_chosen_and_the_only_one_is_taken(images: Images, tmp_path: Path) -> None:
    mine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64")
    both = joined(layout([_LOWER], "x", architecture=mine), layout([_LOWER], "x", architecture="s390x"))
    path = oci_archive(tmp_path / "both.tar", both)
    assert images(path).record.platform == f"linux/{mine}"
    assert images(path, platform="linux/s390x").record.platform == "linux/s390x"
    with pytest.raises(UserError, match="no image for linux/riscv64"):
        images(path, platform="linux/riscv64")
    other = oci_archive(tmp_path / "other.tar", layout([_LOWER], "x", architecture="s390x"))
    assert images(other).record.platform == "linux/s390x"


def test_sparse_files_are_whole(images: Images, tmp_path: Path) -> None:
    sparse = tmp_path / "sparse"
    with open(sparse, "wb") as writing:
        writing.seek(3 << 20)
        writing.write(b"middle")
        writing.truncate(5 << 20)
    for form in ("gnu", "posix"):
        subprocess.run(["tar", "-cSf", "layer.tar", f"--format={form}", "sparse"], cwd=tmp_path, check=True)
        image = images(docker_archive(tmp_path / f"{form}.tar", [(tmp_path / "layer.tar").read_bytes()]))
        assert images.content(image, 0, "sparse") == sparse.read_bytes()
        assert image.layers[0].entry("sparse").size == 5 << 20  # type: ignore[union-attr]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_gives_the_same_entries(form: int, images: Images, tmp_path: Path) -> None:
    names = ["a" * 80 + "/" + "b" * 90, "odd\udcff\n"]
    items = [Item(name, content=name[:3].encode(), mode=0o4755, uid=70_000) for name in names]
    if form != tarfile.USTAR_FORMAT:
        items.append(Item("c" * 250 + "/" + "d" * 250, content=b"long", mode=0o4755, uid=3_000_000_000))
    image = images(docker_archive(tmp_path / "image.tar", [layer(items, form)]))
    found = {path: entry for path, entry in image.layers[0].paths() if entry.kind == "file"}
    assert {path: (entry.uid, entry.mode, entry.size) for path, entry in found.items()} == {
        one.name: (one.uid, 0o4755, len(one.content)) for one in items
    }
    assert all(entry.mtime_ns == 1_700_000_000 * 10**9 for entry in found.values())
    for one in items:
        assert images.content(image, 0, one.name) == one.content


def test_the_second_time_nothing_is_read(images: Images, tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "image.tar", _LAYERS)
    read: list[int] = []
    first = register(str(path), images.store_root, lambda done, _: read.append(done))
    assert read
    read.clear()
    assert register(str(path), images.store_root, lambda done, _: read.append(done)) == first
    assert not read


def test_a_changed_file_is_read_again_and_its_old_contents_are_never_served(
    images: Images, tmp_path: Path
) -> None:
    path = docker_archive(tmp_path / "image.tar", _LAYERS)
    before = images(path)
    docker_archive(path, [_OTHER])
    with pytest.raises(StoreError, match="is not what was read any more"):
        images.content(before, 0, "etc/motd")
    assert len(images(path).layers) == 1


def test_an_image_read_from_two_files_is_kept_once_and_served_from_either(
    images: Images, tmp_path: Path
) -> None:
    first = docker_archive(tmp_path / "one.tar", _LAYERS)
    second = tmp_path / "two.tar"
    shutil.copy(first, second)
    image = images(first)
    assert images(second).record.id == image.record.id
    second.unlink()
    again = InspectedImage.open(images.store_root, image.record.id)
    assert images.content(again, 0, "etc/motd") == b"hello\n"


def test_an_open_image_goes_on_once_its_file_was_read_from_elsewhere(images: Images, tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "one.tar", _LAYERS)
    image = images(path)
    path.rename(tmp_path / "two.tar")
    with pytest.raises(StoreError, match="is not what was read any more"):
        images.content(image, 0, "etc/motd")
    images(tmp_path / "two.tar")
    assert images.content(image, 0, "etc/motd") == b"hello\n"


def test_compressed_contents_are_unpacked_once_and_count_as_images(images: Images, tmp_path: Path) -> None:
    path = oci_archive(tmp_path / "image.tar", layout([layer([file("large", 3 << 20)])], "x"))
    image = images(path)
    with Store.open(images.store_root) as store:
        before = next(one.bytes for one in usage(store) if one.kind == "images")
        assert len(images.content(image, 0, "large")) == 3 << 20
        after = next(one.bytes for one in usage(store) if one.kind == "images")
        assert after - before >= 3 << 20
        path.unlink()
        assert len(images.content(image, 0, "large")) == 3 << 20
        garbage.collect(store, max_size=0)
    assert not os.listdir(Path(images.store_root) / FOLDER)
    with pytest.raises(StoreError, match="not in the store any more"):
        InspectedImage.open(images.store_root, image.record.id)


@pytest.mark.parametrize("word", ["../runs-v1", "0" * 63, "0" * 64, "0" * 63 + "/", "A" * 64, ""])
def test_an_id_is_never_a_path(word: str, images: Images) -> None:
    with pytest.raises(StoreError):
        InspectedImage.open(images.store_root, word)


def test_what_is_no_image_says_so(images: Images, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar at all")
    (tmp_path / "other.tar").write_bytes(tar_of([("readme", b"x")]))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, words in {
        "text": "neither an OCI directory nor a tar file",
        "other.tar": "neither `manifest.json` nor `index.json`",
        "folder": "no OCI layout",
        "pipe": "no regular file",
    }.items():
        with pytest.raises(UserError, match=words):
            images(tmp_path / name)
    with pytest.raises(UsageError, match="does not exist"):
        images(tmp_path / "nowhere")
