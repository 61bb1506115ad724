"""Image files made member by member, for the tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

_TYPES = {
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "character": tarfile.CHRTYPE,
    "fifo": tarfile.FIFOTYPE,
}


class Item(msgspec.Struct, frozen=True):
    """A member: `content` of a file, where links lead to, mode and owner."""

    name: str
    kind: Literal["file", "directory", "symlink", "link", "character", "fifo"] = "file"
    content: bytes = b""
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    xattrs: tuple[tuple[str, str], ...] = ()


def file(name: str, size: int, **more: object) -> Item:
    """A file of so many bytes."""
    return Item(name, "file", b"x" * size, **more)  # type: ignore[arg-type]


def directory(name: str) -> Item:
    """A directory."""
    return Item(name, "directory", mode=0o755)


def layer(items: Sequence[Item], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A plain tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, errors="surrogateescape") as archive:
        for item in items:
            member = tarfile.TarInfo(item.name)
            member.mode, member.uid, member.mtime = item.mode, item.uid, 1_700_000_000
            member.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in item.xattrs}
            if item.kind == "file":
                member.size = len(item.content)
                archive.addfile(member, io.BytesIO(item.content))
            else:
                member.type, member.linkname = _TYPES[item.kind], item.target
                member.devmajor, member.devminor = (1, 3) if item.kind == "character" else (0, 0)
                archive.addfile(member)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    """As digests are written in images."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def configuration(layers: Sequence[bytes], architecture: str = "amd64") -> bytes:
    """The configuration of an image of these plain layers."""
    history = [
        {"created": "2024-05-06T07:08:09.123456789Z", "created_by": f"/bin/sh -c step {number}"}
        for number in range(len(layers))
    ]
    history.insert(1, {"created_by": "ENV A=b", "empty_layer": True})  # type: ignore[dict-item]
    value = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": ["A=b"]},
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": [sha256(one) for one in layers]},
    }
    return json.dumps(value).encode()


def tar_of(files: Sequence[tuple[str, bytes]], links: Sequence[tuple[str, str]] = ()) -> bytes:
    """A tar file of these files and symbolic links."""
    items = [Item(name, "file", content) for name, content in files]
    return layer([*items, *(Item(name, "symlink", target=target) for name, target in links)])


def docker_archive(path: Path, layers: Sequence[bytes], tags: Sequence[str] = ("example/app:1.2",)) -> Path:
    """What `docker save` writes, up to version 24."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": list(tags), "Layers": names}]
    files = [*zip(names, layers, strict=True), ("config.json", configuration(layers))]
    path.write_bytes(tar_of([*files, ("manifest.json", json.dumps(manifest).encode())]))
    return path


def layout(
    layers: Sequence[bytes], tag: str, packed: bool = True, architecture: str = "amd64"
) -> dict[str, bytes]:
    """The files of an OCI layout with one image; `packed`: its layers compressed with gzip."""
    config = configuration(layers, architecture)
    blobs = [gzip.compress(one, mtime=0) if packed else one for one in layers]
    kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packed else "")
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": sha256(config), "size": len(config), "mediaType": "x"},
            "layers": [{"digest": sha256(one), "size": len(one), "mediaType": kind} for one in blobs],
        }
    ).encode()
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": sha256(manifest),
        "size": len(manifest),
        "platform": {"os": "linux", "architecture": architecture},
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }
    files = {f"blobs/sha256/{sha256(one)[7:]}": one for one in (*blobs, config, manifest)}
    index = {"schemaVersion": 2, "manifests": [descriptor]}
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index).encode(),
        **files,
    }


def joined(*layouts: dict[str, bytes]) -> dict[str, bytes]:
    """Several layouts as one with several images."""
    files = {name: content for one in layouts for name, content in one.items()}
    manifests = [found for one in layouts for found in json.loads(one["index.json"])["manifests"]]
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    return files


def write_layout(path: Path, files: dict[str, bytes]) -> Path:
    """An OCI directory."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def oci_archive(path: Path, files: dict[str, bytes]) -> Path:
    """An OCI archive."""
    path.write_bytes(tar_of(list(files.items())))
    return path
