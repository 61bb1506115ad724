"""`oci:`: images made by umoci and skopeo, and by hand where those never would."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.images.oci_layout import ARCHITECTURES
from engine.model.errors import UserError
from engine.store.store import Store
from tests.images.conftest import Bases
from tests.layer_checks import assert_as_described

ARCHITECTURE = ARCHITECTURES[platform.machine()]
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


class Layout:
    """An OCI layout directory that is written by hand."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "blobs/sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, content: bytes | dict[str, Any], **more: Any) -> dict[str, Any]:
        """Add a blob; its descriptor."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.directory / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data), **more}

    def image(
        self, layers: Sequence[bytes], config: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Add an image of uncompressed or gzipped layers; the descriptor of its manifest."""
        plain = [gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer for layer in layers]
        configuration = {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": config or {},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "config": self.blob(configuration),
            "layers": [self.blob(layer) for layer in layers],
        }
        return self.blob(manifest, mediaType=_MANIFEST, **more)

    def index(self, *manifests: dict[str, Any]) -> None:
        """Write the index."""
        content = {"schemaVersion": 2, "manifests": manifests}
        (self.directory / "index.json").write_text(json.dumps(content))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty layout."""
    return Layout(tmp_path / "layout")


def layer(**files: str | None) -> bytes:
    """A layer as a tar file: `__` is a slash, `_wh_` a whiteout's prefix, None a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(
                name.replace("__", "/").replace("_wh_", ".wh.").replace("OPAQUE", ".wh..opq")
            )
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            elif content.startswith("->"):
                info.type, info.linkname = tarfile.SYMTYPE, content[2:]
                archive.addfile(info)
            elif content.startswith("=>"):
                info.type, info.linkname = tarfile.LNKTYPE, content[2:]
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


def _tree(store: Store, layers: tuple[str, ...]) -> set[str]:
    for digest in layers:
        assert_as_described(store, digest)
    return {path for path in store.layers.merged(layers) if path} - {"var", "var/mint-workspace"}


def test_configuration_and_layers_are_taken(bases: Bases, store: Store, layout: Layout) -> None:
    config = {
        "Env": ["A=b=c", "EMPTY="],
        "Entrypoint": ["/e"],
        "Cmd": ["x", "y"],
        "User": "7",
        "WorkingDir": "/w",
    }
    layout.index(layout.image([layer(a="1"), gzip.compress(layer(b="2"))], config))
    base = bases.take("oci:layout").base
    assert _tree(store, base.layers) == {"a", "b"}
    assert base.environment == {"A": "b=c", "EMPTY": ""}
    assert (base.image.entrypoint, base.image.command) == (("/e",), ("x", "y"))
    assert (base.image.user, base.image.workspace) == ("0", "/var/mint-workspace")
    assert len(base.layers) == 3


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        ({"a": "1", "b": "1"}, {"_wh_a": ""}, {"b"}),
        ({"d": None, "d__x": "1", "d__y": "1"}, {"d": None, "d___wh_x": ""}, {"d", "d/y"}),
        ({"d": None, "d__x": "1"}, {"_wh_d": ""}, set()),
        ({"d": None, "d__x": "1"}, {"_wh_d": "", "d": None, "d__new": ""}, {"d", "d/new"}),
        ({"d": None, "d__x": "1"}, {"d": None, "d___wh_OPAQUE": "", "d__new": ""}, {"d", "d/new"}),
        ({"d": None, "d__x": "1"}, {"d__new": "", "d": None, "d___wh_OPAQUE": ""}, {"d", "d/new"}),
        ({"d__e__x": "1", "d__y": ""}, {"d___wh_OPAQUE": "", "d__e__z": ""}, {"d", "d/e", "d/e/z"}),
        ({"d__e__x": "1", "d__e__z": ""}, {"d___wh_OPAQUE": "", "d__e__z": ""}, {"d", "d/e", "d/e/z"}),
        ({"d": None, "d__x": "1"}, {"d": "file"}, {"d"}),
        ({"d": "file"}, {"d": None, "d__x": ""}, {"d", "d/x"}),
        ({"a": "1"}, {"_wh_missing": "", "d___wh_missing": ""}, {"a"}),
        ({"a": "1", "b": "1"}, {"_wh_OPAQUE": "", "c": ""}, {"c"}),
        ({"usr__lib": None, "lib": "->usr/lib"}, {"lib__x": "1"}, {"usr", "usr/lib", "lib", "usr/lib/x"}),
        ({"a": "1"}, {"b": "=>a"}, {"a", "b"}),
        ({"a": "1"}, {"_wh_a": "", "a": "new"}, {"a"}),
    ],
)
def test_whiteouts_hide_what_lies_below_and_nothing_else(
    bases: Bases,
    store: Store,
    layout: Layout,
    lower: dict[str, str | None],
    upper: dict[str, str | None],
    expected: set[str],
) -> None:
    layout.index(layout.image([layer(**lower), layer(**upper)]))
    assert _tree(store, bases.take("oci:layout").base.layers) == expected


def test_a_name_chooses_among_images(bases: Bases, store: Store, layout: Layout) -> None:
    name = "org.opencontainers.image.ref.name"
    one = layout.image([layer(one="")], annotations={name: "one"})
    two = layout.image([layer(two="")], annotations={name: "two"})
    layout.index(one, two)
    assert _tree(store, bases.take("oci:layout:two").base.layers) == {"two"}
    with pytest.raises(UserError, match="no image with the tag `three`") as raised:
        bases.take("oci:layout:three")
    assert raised.value.hint == "its tags are `one`, `two`"
    with pytest.raises(UserError, match="2 images that fit") as raised:
        bases.take("oci:layout")
    assert raised.value.hint == "its tags are `one`, `two`: choose one by `:TAG` after the path"


def test_this_machines_platform_is_chosen_in_a_nested_index(
    bases: Bases, store: Store, layout: Layout
) -> None:
    ours = {"architecture": ARCHITECTURE, "os": "linux"}
    theirs = {"architecture": "mips", "os": "linux"}
    inner = {
        "schemaVersion": 2,
        "manifests": [
            layout.image([layer(theirs="")], platform=theirs),
            layout.image([layer(windows="")], platform={"architecture": ARCHITECTURE, "os": "windows"}),
            layout.image([layer(ours="")], platform=ours),
        ],
    }
    layout.index(layout.blob(inner, mediaType=_INDEX))
    assert _tree(store, bases.take("oci:layout").base.layers) == {"ours"}
    layout.index(layout.image([layer(theirs="")], platform=theirs))
    with pytest.raises(UserError, match=f"no image for linux/{ARCHITECTURE}"):
        bases.take("oci:layout")


def test_damaged_blobs_are_noticed(bases: Bases, layout: Layout) -> None:
    image = layout.image([layer(a="1")])
    layout.index(image)
    for path in (layout.directory / "blobs/sha256").iterdir():
        good = path.read_bytes()
        path.write_bytes(good + b" ")
        with pytest.raises(UserError, match="is damaged"):
            bases.inspect("oci:layout")
        path.unlink()
        with pytest.raises(UserError, match="cannot read"):
            bases.inspect("oci:layout")
        path.write_bytes(good)
    bases.take("oci:layout")


@pytest.mark.parametrize(
    "index",
    ["", "[]", "{}", '{"manifests": [{"digest": "sha256:../../x"}]}', '{"manifests": [{"digest": 1}]}'],
)
def test_what_is_no_layout_is_refused(bases: Bases, layout: Layout, index: str) -> None:
    (layout.directory / "index.json").write_text(index)
    with pytest.raises(UserError):
        bases.inspect("oci:layout")
    with pytest.raises(UserError, match="is not a directory"):
        bases.inspect("oci:elsewhere:tag")


def test_an_image_whose_layers_are_there_is_not_read(bases: Bases, layout: Layout) -> None:
    layout.index(layout.image([layer(a="1"), layer(b="2")]))
    first = bases.take("oci:layout")
    for descriptor in json.loads(
        (layout.directory / "blobs/sha256" / first.base.sha.removeprefix("sha256:")).read_text()
    )["layers"]:
        (layout.directory / "blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).unlink()
    assert bases.take("oci:layout").base == first.base


@pytest.mark.skipif(shutil.which("umoci") is None, reason="umoci is missing")
@pytest.mark.skipif(os.geteuid() != 0, reason="umoci unpacks owners as root only")
def test_an_image_made_by_umoci(bases: Bases, store: Store, root: Path, tmp_path: Path) -> None:
    def umoci(*arguments: str) -> None:
        subprocess.run(["umoci", *arguments], cwd=tmp_path, check=True, capture_output=True)

    umoci("init", "--layout", "made")
    umoci("new", "--image", "made:one")
    umoci("unpack", "--image", "made:one", "first")
    os.chown(root / "home", 1234, 1234)
    subprocess.run(["cp", "-a", f"{root}/.", str(tmp_path / "first/rootfs")], check=True)
    umoci("repack", "--image", "made:one", "first")
    umoci("unpack", "--image", "made:one", "second")
    shutil.rmtree(tmp_path / "second/rootfs/usr")
    (tmp_path / "second/rootfs/usr").write_text("a file now")
    (tmp_path / "second/rootfs/one").unlink()
    umoci("repack", "--image", "made:two", "second")
    base = bases.take("oci:made:two").base
    remaining = {os.path.relpath(path, root) for path in root.rglob("*")} - {
        "usr/lib",
        "usr/lib/os-release",
        "one",
    }
    assert _tree(store, base.layers) == remaining - {"var"}


@pytest.mark.skipif(
    shutil.which("umoci") is None or shutil.which("skopeo") is None, reason="umoci or skopeo is missing"
)
def test_an_image_compressed_with_zstd_by_skopeo(
    bases: Bases, store: Store, layout: Layout, tmp_path: Path
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("zstd is missing")
    layout.index(layout.image([layer(a="1" * 1000)], annotations={"org.opencontainers.image.ref.name": "x"}))
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    done = subprocess.run(
        [
            *(
                "skopeo",
                "--policy",
                "policy.json",
                "copy",
                "--dest-compress",
                "--dest-compress-format",
                "zstd",
            ),
            *("oci:layout:x", "oci:packed:y"),
        ],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"skopeo: {done.stderr}")
    plain = bases.take("oci:layout:x").base
    packed = bases.take("oci:packed:y").base
    assert plain.layers == packed.layers
    assert _tree(store, packed.layers) == {"a"}
