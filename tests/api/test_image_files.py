"""Images that were read into the store, through the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.client import EngineClient, RefusedError, connect
from engine.api.file_messages import FoundLine
from engine.images.registration import register
from tests.images.image_archives import Item, docker_archive, layer
from tests.program import Program

LAYERS = [
    layer(
        [
            Item("etc", "directory", mode=0o755),
            Item("etc/passwd", content=b"the image's own\n"),
            Item("data", content=b"first\nneedle one\n"),
            Item("out", "symlink", target="/etc/passwd"),
            Item("hard", "link", target="data"),
            Item("null", "character"),
        ]
    ),
    layer([Item("data", content=b"second\n"), Item("etc/.wh.passwd")]),
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return docker_archive(tmp_path / "image.tar", LAYERS)


@pytest.fixture
def client(outcrop: Program) -> Iterator[EngineClient]:
    client = connect(str(outcrop.store), stays=True)
    yield client
    client.close()
    assert outcrop("engine", "stop").exit_code == 0


def place_of(archive: Path, outcrop: Program) -> str:
    return f"image:{register(str(archive), str(outcrop.store))}"


def test_an_image_is_a_place_with_the_layers_of_its_history(
    client: EngineClient, archive: Path, outcrop: Program
) -> None:
    name = place_of(archive, outcrop)
    place = client.files.place(name)
    assert (place.title, place.own, place.workspace) == ("example/app:1.2 (image.tar)", None, "")
    assert [layer.result for layer in place.layers] == ["image", "image"]
    assert (place.layers[1].counts.changed, place.layers[1].counts.removed) == (1, 1)
    assert [choice.place for choice in client.files.choices()] == [name]


def test_its_files_are_read_out_of_the_archive(client: EngineClient, archive: Path, outcrop: Program) -> None:
    name = place_of(archive, outcrop)
    assert client.files.content(name, "data").read(0, 100) == b"second\n"
    assert client.files.content(f"{name}#0", "data").read(6, 6) == b"needle"
    assert client.files.content(f"{name}#0", "hard").size() == len("first\nneedle one\n")
    assert client.files.content(f"{name}#0", "etc/passwd").read(0, 100) == b"the image's own\n"
    for path in ("out", "null", "etc", "etc/passwd"):
        with pytest.raises(OSError, match=r"no file but|there is no"):
            client.files.content(name, path).read(0, 10)
    found = [one for one in client.files.contents(f"{name}#0", "needle") if isinstance(one, FoundLine)]
    assert [(one.path, one.number) for one in found] == [("data", 2), ("hard", 2)]


def test_they_are_exported_and_compared(
    client: EngineClient, archive: Path, outcrop: Program, tmp_path: Path
) -> None:
    name = place_of(archive, outcrop)
    client.files.export(f"{name}#0", "etc", str(tmp_path / "etc"))
    assert os.listdir(tmp_path / "etc") == ["passwd"]
    changes = client.files.changes(name).changes
    assert [(one.path, one.change) for one in changes] == [("data", "changed"), ("etc/passwd", "removed")]
    assert client.files.waste(name).count == len({"data", "etc/passwd"})


def test_a_file_that_is_another_one_now_is_not_read(
    client: EngineClient, archive: Path, outcrop: Program
) -> None:
    name = place_of(archive, outcrop)
    assert client.files.content(name, "data").size() == len("second\n")
    archive.write_bytes(b"x" * archive.stat().st_size)
    with pytest.raises(OSError, match="is not what was read"):
        client.files.content(name, "data").read(0, 10)
    archive.unlink()
    archive.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="is not what was read"):
        client.files.content(name, "data").read(0, 10)
    assert client.files.page(name).total > 0


def test_an_image_that_was_collected_is_no_place(
    client: EngineClient, archive: Path, outcrop: Program
) -> None:
    name = place_of(archive, outcrop)
    client.files.place(name)
    folder = outcrop.store / "inspected-v1" / name.partition(":")[2]
    folder.rename(folder.with_name("aside"))
    with pytest.raises(RefusedError, match="not in the store any more"):
        client.files.place(name)
