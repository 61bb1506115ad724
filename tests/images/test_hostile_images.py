"""Image files that mean harm, or are torn: an error that says so, and nothing anywhere but in the store."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from engine.images.image_record import FOLDER
from engine.images.inspected import InspectedImage
from engine.images.registration import register
from engine.model.errors import OutcropError, UserError
from tests.images.image_archives import (
    Item,
    configuration,
    directory,
    docker_archive,
    file,
    layer,
    layout,
    oci_archive,
    sha256,
    tar_of,
    write_layout,
)


def _register(path: Path, tmp_path: Path) -> InspectedImage:
    store = str(tmp_path / "store")
    return InspectedImage.open(store, register(str(path), store))


def _left_in(store: Path) -> list[str]:
    """What a failed registration left: no image, and nothing in `work`."""
    return [*os.listdir(store / "work"), *(os.listdir(store / FOLDER) if (store / FOLDER).exists() else [])]


@pytest.mark.parametrize(
    "items, words",
    [
        ([Item("../../escape", content=b"x")], "leads out of the root"),
        ([Item("a/../../escape", content=b"x")], "leads out of the root"),
        ([Item("a", "link", target="../../etc/shadow")], "leads out of the root"),
        ([Item("a", "link", target="/etc/shadow")], "which is not there"),
        (
            [Item("a", "symlink", target="/nowhere"), Item("a/b", content=b"x")],
            "below a link that leads nowhere",
        ),
        ([Item("a", "symlink", target="a"), Item("a/b", content=b"x")], "below a link that leads nowhere"),
        ([Item("x" * 300, content=b"x")], "more than 255 bytes"),
        ([Item("a/" * 3000 + "b", content=b"x")], "more than 4096 bytes"),
        ([Item(".wh.")], "whiteout"),
        ([Item(".wh...")], "whiteout"),
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(items: list[Item], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        _register(docker_archive(tmp_path / "image.tar", [layer([]), layer(items)]), tmp_path)
    assert _left_in(tmp_path / "store") == []
    assert not (tmp_path / "escape").exists() and not (tmp_path.parent / "escape").exists()


def test_absolute_names_and_links_out_of_the_image_stay_inside(tmp_path: Path) -> None:
    items = [
        Item("/etc/passwd", content=b"inside"),
        Item("out", "symlink", target="../../../../etc"),
        Item("out/passwd", content=b"through the link"),
        directory("etc"),
    ]
    image = _register(docker_archive(tmp_path / "image.tar", [layer(items)]), tmp_path)
    place = image.locate(0, "etc/passwd")
    assert place.path == str(tmp_path / "image.tar")
    descriptor = place.open()
    assert os.pread(descriptor, place.size, place.offset) == b"through the link"
    os.close(descriptor)
    with pytest.raises(OutcropError):
        image.locate(0, "out")


def test_a_member_of_a_later_name_replaces_what_was_there(tmp_path: Path) -> None:
    items = [directory("a"), file("a/b", 3), Item("a", content=b"now a file"), file("c", 1), directory("c")]
    index = _register(docker_archive(tmp_path / "image.tar", [layer(items)]), tmp_path).layers[0]
    assert {path: entry.kind for path, entry in index.paths()} == {"a": "file", "c": "directory"}


def _edited(content: bytes, edit: dict[int, bytes]) -> bytes:
    """A tar file with other bytes in its first header, whose checksum is right again."""
    header = bytearray(content[:512])
    for at, field in edit.items():
        header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + content[512:]


_LARGE_NUMBER = b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7


@pytest.mark.parametrize(
    "edit, words",
    [
        ({124: b"\xff" * 12}, "impossible size"),
        ({124: _LARGE_NUMBER}, "impossible size"),
        ({124: b"77777777777\0"}, "ends too early"),
        ({124: b"xyz"}, "number that is none"),
        ({108: b"\x80" + b"\xff" * 7}, "impossible owner"),
        ({156: b"L", 124: b"77777777777\0"}, "beyond all measure"),
        ({156: b"x", 124: b"77777777777\0"}, "beyond all measure"),
        ({156: b"x"}, "extended header"),
        ({156: b"S", 386: b"77777777777\0" * 8}, "sparse"),
    ],
)
def test_a_header_is_not_believed(edit: dict[int, bytes], words: str, tmp_path: Path) -> None:
    content = _edited(layer([file("a", 700)]), edit)
    with pytest.raises(UserError, match=words):
        _register(docker_archive(tmp_path / "image.tar", [content]), tmp_path)
    assert _left_in(tmp_path / "store") == []


def test_an_absurd_time_is_shown_as_far_as_time_goes(tmp_path: Path) -> None:
    content = _edited(layer([file("a", 7)]), {136: b"\x80" + b"\x7f" * 11})
    entry = _register(docker_archive(tmp_path / "image.tar", [content]), tmp_path).layers[0].entry("a")
    assert entry is not None and entry.mtime_ns == 1 << 62


def test_holes_beyond_all_measure_are_refused_before_they_are_read(tmp_path: Path) -> None:
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": str(1 << 50),
        "GNU.sparse.name": "a",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers, member.size = headers, 512
        archive.addfile(member, io.BytesIO(b"0\n".ljust(512, b"\0")))
    with pytest.raises(UserError, match="holes of more than"):
        _register(docker_archive(tmp_path / "image.tar", [buffer.getvalue()]), tmp_path)


def test_a_bomb_takes_neither_memory_nor_disk(tmp_path: Path) -> None:
    """Zeros packed to a thousandth: read through, never held."""
    bomb = subprocess.run(
        "head -c 134217728 /dev/zero > zeros && tar -c zeros | gzip -1 && rm zeros",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    manifest = json.dumps([{"Config": "c", "RepoTags": None, "Layers": ["l.tar"]}]).encode()
    config = b'{"os": "linux"}'
    archive = tmp_path / "image.tar"
    archive.write_bytes(tar_of([("l.tar", bomb), ("c", config), ("manifest.json", manifest)]))
    script = (
        "import sys, resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({260 << 20}, {260 << 20}))\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({8 << 20}, {8 << 20}))\n"
        "from engine.images.registration import register\n"
        "register(sys.argv[1], sys.argv[2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, archive, tmp_path / "store"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_file_cut_anywhere_is_an_error_or_ends_between_two_members(tmp_path: Path) -> None:
    whole = docker_archive(tmp_path / "whole.tar", [layer([file("a", 700), file("b", 5)])]).read_bytes()
    path = tmp_path / "cut.tar"
    chosen = random.Random(7)
    for length in [0, 1, 511, 512, 513, *(chosen.randrange(len(whole)) for _ in range(25))]:
        path.write_bytes(whole[:length])
        if whole[length:].strip(b"\0"):
            with pytest.raises(OutcropError):
                _register(path, tmp_path)


def test_garbage_in_place_of_any_byte_is_an_error_or_an_image(tmp_path: Path) -> None:
    inner = layer([file("a", 30), Item("b", "symlink", target="a"), Item("c" * 200, content=b"c")])
    whole = bytearray(docker_archive(tmp_path / "whole.tar", [inner]).read_bytes())
    path = tmp_path / "damaged.tar"
    chosen = random.Random(11)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chosen.randint(1, 4)):
            damaged[chosen.randrange(len(damaged))] = chosen.randrange(256)
        path.write_bytes(damaged)
        try:
            _register(path, tmp_path)
        except OutcropError:
            continue


def test_a_layer_that_is_not_what_the_image_names_is_refused(tmp_path: Path) -> None:
    files = layout([layer([file("a", 9)])], "x")
    other = gzip.compress(layer([file("a", 8)]))
    blob = next(name for name in files if files[name][:2] == b"\x1f\x8b")
    files[blob] = other
    with pytest.raises(UserError, match="is not the `sha256:"):
        _register(oci_archive(tmp_path / "image.tar", files), tmp_path)


def test_a_damaged_compressed_layer_says_so(tmp_path: Path) -> None:
    files = layout([layer([file("a", 900_000)])], "x")
    blob = next(name for name in files if files[name][:2] == b"\x1f\x8b")
    files[blob] = files[blob][:-30]
    with pytest.raises(UserError, match=r"damaged|ends too early"):
        _register(oci_archive(tmp_path / "image.tar", files), tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        [("manifest.json", b"[{}]")],
        [("manifest.json", b"[")],
        [("manifest.json", b"\xff\xfe")],
        [("manifest.json", b"[" * 100_000)],
        [("manifest.json", b'[{"Config": "../../etc/passwd", "Layers": []}]')],
        [("manifest.json", b'[{"Config": "c", "Layers": ["/etc/passwd"]}]'), ("c", b"{}")],
        [("manifest.json", b'[{"Config": "c", "Layers": ["c"]}]'), ("c", b"{}")],
        [("index.json", b'{"manifests": [{"digest": "sha256:../../../etc/passwd"}]}')],
        [("index.json", b'{"manifests": []}')],
        [("repositories", b'{"a": {"b": "../../etc"}}')],
        [("repositories", b'{"a": {"b": "c"}}'), ("c/json", b'{"parent": "c"}'), ("c/layer.tar", b"")],
    ],
)
def test_documents_are_not_believed(files: list[tuple[str, bytes]], tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of(files))
    with pytest.raises(OutcropError):
        _register(path, tmp_path)
    assert _left_in(tmp_path / "store") == []


def test_links_of_an_archive_without_an_end_are_no_layer(tmp_path: Path) -> None:
    manifest = json.dumps([{"Config": "c", "RepoTags": None, "Layers": ["l"]}]).encode()
    path = tmp_path / "image.tar"
    path.write_bytes(
        tar_of([("c", configuration([b""])), ("manifest.json", manifest)], [("l", "m"), ("m", "l")])
    )
    with pytest.raises(UserError, match="has no layer `l`"):
        _register(path, tmp_path)


def test_a_pipe_in_place_of_a_blob_is_never_waited_for(tmp_path: Path) -> None:
    plain = layer([file("a", 9)])
    directory_ = write_layout(tmp_path / "layout", layout([plain], "x", packed=False))
    blob = directory_ / "blobs/sha256" / sha256(plain)[7:]
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(UserError, match="no regular file"):
        _register(directory_, tmp_path)


def test_an_interrupted_reading_leaves_nothing(tmp_path: Path) -> None:
    archive = docker_archive(tmp_path / "image.tar", [layer([file("a", 8 << 20)])])

    def interrupt(done: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        register(str(archive), str(tmp_path / "store"), interrupt)
    assert _left_in(tmp_path / "store") == []


def test_many_members_of_one_name_take_no_more_than_one(tmp_path: Path) -> None:
    items = [Item("a/b", content=b"x"), Item("a", content=b"y")] * 5_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    image = _register(docker_archive(tmp_path / "image.tar", [layer(items)]), tmp_path)
    assert image.layers[0].entries == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 30
