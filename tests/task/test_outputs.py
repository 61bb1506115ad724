"""What a task writes into its folders is read, and hostile content is refused without harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.model.errors import UserError
from engine.task import outputs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "outcrop"
    outputs.prepare(str(folder))
    return folder


def test_values_and_variables_lose_one_trailing_newline(root: Path) -> None:
    (root / "values" / "version").write_text("1.2\n\n")
    (root / "env" / "MODE").write_text("release\n")
    (root / "cache-key-excluded-env" / "SHA").write_text("abc")
    collected = outputs.collect(str(root))
    assert collected.values == {"version": "1.2\n"}
    assert [(item.name, item.value, item.in_cache_key) for item in collected.exports] == [
        ("MODE", "release", True),
        ("SHA", "abc", False),
    ]


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "Ä"])
def test_a_file_name_that_is_no_variable_name_is_refused(root: Path, name: str) -> None:
    (root / "env" / name).write_text("x")
    with pytest.raises(UserError, match="not the name of a variable"):
        outputs.collect(str(root))


@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "huge", "nul", "binary"])
def test_hostile_values_are_refused_without_blocking(root: Path, kind: str, tmp_path: Path) -> None:
    path = root / "values" / "v"
    match kind:
        case "link":
            (tmp_path / "secret").write_text("s")
            path.symlink_to(tmp_path / "secret")
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "huge":
            path.write_bytes(b"x" * ((1 << 20) + 1))
        case "nul":
            path.write_bytes(b"a\0b")
        case _:
            path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"RWX_VALUES/v"):
        outputs.collect(str(root))


def test_a_folder_replaced_by_a_link_reads_as_empty(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "labels").mkdir(parents=True)
    (elsewhere / "labels" / "stolen").write_text("x")
    (root / "image").rmdir()
    (root / "image").symlink_to(elsewhere)
    assert outputs.collect(str(root)).image.labels == {}


def test_the_image_configuration_is_read(root: Path) -> None:
    image = root / "image"
    (image / "user").write_text("node\n")
    (image / "workspace").write_text("/srv")
    (image / "shell").write_text("/bin/bash -e")
    (image / "command").write_text("node 'my server.js'")
    (image / "expose").mkdir()
    (image / "expose" / "8080").write_text("")
    (image / "labels").mkdir()
    (image / "labels" / "org.x").write_text("y")
    config = outputs.collect(str(root)).image
    assert (config.user, config.workspace, config.shell) == ("node", "/srv", ("/bin/bash", "-e"))
    assert config.command == ("node", "my server.js")
    assert config.expose == ("8080/tcp",) and config.labels == {"org.x": "y"}


def test_the_exact_form_of_a_command_wins_and_null_clears(root: Path) -> None:
    image = root / "image"
    (image / "command").write_text("ignored")
    (image / "command.json").write_text('["a b", "c"]')
    (image / "entrypoint.json").write_text("null")
    config = outputs.collect(str(root)).image
    assert config.command == ("a b", "c") and config.clears_entrypoint


def test_an_entrypoint_without_a_command_clears_an_inherited_one(root: Path) -> None:
    (root / "image" / "entrypoint").write_text("/init")
    assert outputs.collect(str(root)).image.clears_command


@pytest.mark.parametrize(
    ("name", "text"),
    [("command", "'open"), ("command.json", "{"), ("command.json", "[1]"), ("workspace", "relative")],
)
def test_a_wrong_image_configuration_is_refused(root: Path, name: str, text: str) -> None:
    (root / "image" / name).write_text(text)
    with pytest.raises(UserError, match=r"RWX_IMAGE"):
        outputs.collect(str(root))


def test_messages_are_read_by_kind_and_an_unreadable_one_says_so(root: Path) -> None:
    (root / "errors" / "1").write_text("**bad**")
    (root / "info" / "1").write_text("fine")
    os.mkfifo(root / "warnings" / "pipe")
    kinds = [(message.type, message.message) for message in outputs.messages(str(root))]
    assert kinds[0] == ("error", "**bad**") and kinds[-1] == ("info", "fine")
    assert kinds[1][0] == "warning" and "not a regular file" in kinds[1][1]


def test_what_is_not_supported_yet_says_so(root: Path) -> None:
    (root / "dynamic-tasks" / "a.yml").write_text("key: a")
    with pytest.raises(UserError, match="not supported yet"):
        outputs.collect(str(root))
