"""`outcrop inspect`: tasks and image files, as text, as an object and as a check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.images.image_archives import Item, docker_archive, file, layer
from tests.program import Program

_DEFINITION = """\
base: {image: "host:", config: none}
tasks:
  - key: install
    run: |
      head -c 100000 /dev/zero > cache
      head -c 50000 /dev/zero > kept
  - key: clean
    use: install
    run: rm cache; chmod 600 kept
"""


@pytest.fixture
def image(outcrop: Program) -> Path:
    """Waste of 900 bytes in two versions, in a folder of no task's name."""
    layers = [layer([file("a", 500), file("b", 100)]), layer([file("a", 400), Item("odd\n\x1b[2J")])]
    return docker_archive(outcrop.project / "image.tar", layers)


def test_an_image_is_reported_with_its_worst_paths(outcrop: Program, image: Path) -> None:
    done = outcrop("inspect", "image.tar")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "example/app:1.2 (image.tar)  docker-archive  linux/amd64"
    assert lines[1] == "efficiency 50.0%  900B wasted  1000B in all, 400B above the lowest layer"
    assert any("900B 2×  /a" in line for line in lines)
    assert "\x1b" not in done.stdout and done.stderr == ""


def test_the_object_has_the_figures_layers_and_advice(outcrop: Program, image: Path) -> None:
    found = outcrop("inspect", "docker-archive:image.tar:app", "--json").json
    assert (found["efficiency"], found["wasted_bytes"], found["user_bytes"]) == (0.5, 900, 400)
    assert [one["command"] for one in found["layers"]] == ["/bin/sh -c step 0", "/bin/sh -c step 1"]
    assert [one["wasted_bytes"] for one in found["layers"]] == [500, 400]
    (path,) = found["paths"]
    assert (path["path"], path["count"], path["layers"]) == ("/a", 2, [0, 1])
    assert "write it once" in path["advice"]


@pytest.mark.parametrize("score, code", [("0.4", 0), ("50%", 0), ("0.51", 1), ("1", 1)])
def test_a_score_that_is_too_low_fails(outcrop: Program, image: Path, score: str, code: int) -> None:
    done = outcrop("inspect", "image.tar", "--fail-below", score)
    assert done.exit_code == code
    assert ("below" in done.stderr) == bool(code)
    assert "efficiency 50.0%" in done.stdout


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (("nowhere.tar",), 2, "`nowhere.tar` does not exist"),
        (("oci:nowhere",), 2, "`nowhere` does not exist"),
        (("./",), 1, "no OCI layout"),
        (("task",), 2, "there is no run yet"),
        (("install",), 1, "`install@latest`"),
        (("image.tar:nope",), 1, "its tags are `example/app:1.2`"),
        (("image.tar", "--fail-below", "2"), 2, "is no score"),
        (("image.tar", "--platform", "arm"), 2, "is no platform"),
    ],
)
def test_what_cannot_be_inspected_says_why(
    outcrop: Program, image: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (outcrop.project / "install").write_text("a script, called as a task may be")
    done = outcrop("inspect", *arguments)
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


@pytest.mark.namespaces
def test_a_store_that_is_only_read_still_inspects_images(rootless_outcrop: Program) -> None:
    outcrop = rootless_outcrop
    docker_archive(outcrop.project / "image.tar", [layer([file("a", 500)]), layer([file("a", 500)])])
    assert outcrop("du").exit_code == 0
    outcrop.store.chmod(0o500)
    try:
        done = outcrop("inspect", "image.tar")
        assert "efficiency 50.0%" in done.stdout, done.stderr
        assert not (outcrop.store / "inspected-v1").exists()
    finally:
        outcrop.store.chmod(0o700)


def test_what_is_read_counts_as_an_image_and_is_collected(outcrop: Program, image: Path) -> None:
    outcrop("inspect", "image.tar")
    sizes = {kind["kind"]: kind["entries"] for kind in outcrop("du", "--json").json}
    assert sizes["images"] == 1
    assert outcrop("gc", "--keep-days", "0").exit_code == 0
    assert not os.listdir(outcrop.store / "inspected-v1")


@pytest.mark.namespaces
def test_a_task_is_reported_with_the_tasks_to_blame(outcrop_in_both_modes: Program) -> None:
    outcrop = outcrop_in_both_modes
    outcrop.define(_DEFINITION)
    (outcrop.project / "clean").mkdir()  # a folder of this name does not hide the task
    assert outcrop("run").exit_code == 0
    found = outcrop("inspect", "clean", "--json").json
    assert found["form"] == "task" and found["place"].endswith("/clean")
    # 100,000 removed, and 50,000 written twice, of 150,000 and 50,000.
    assert (found["wasted_bytes"], found["total_bytes"]) == (200_000, 200_000)
    assert found["efficiency"] == 0.25
    worst = found["paths"][0]
    assert worst["path"].endswith("/cache") or worst["path"].endswith("/kept")
    advice = {path["path"].rpartition("/")[2]: path["advice"] for path in found["paths"]}
    assert "remove it in `install`" in advice["cache"]
    assert "`clean` changes only its mode" in advice["kept"]
    assert outcrop("inspect", "install@latest", "--fail-below", "1").exit_code == 0
    assert outcrop("inspect", "clean", "--fail-below", "0.95").exit_code == 1
