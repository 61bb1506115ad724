"""Looking into tasks as an ordinary user, whose layers hold files of subordinate ids."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces

SCRIPT = "mkdir -m 700 d; echo secret > d/f; chown -R 1000:1000 d; chmod 600 d/f; echo plain > plain; exit 1"


@pytest.fixture
def failed(rootless_outcrop: Program, busybox_root: Path) -> Program:
    """A failed task that leaves files which only another id may read."""
    rootless_outcrop.define(
        f"base: {{image: \"rootfs:{busybox_root}\", config: none}}\ntasks: [{{key: a, run: '{SCRIPT}'}}]\n"
    )
    assert rootless_outcrop("run").exit_code == 1
    return rootless_outcrop


def test_files_of_other_ids_are_listed_printed_and_compared(failed: Program) -> None:
    listed = {entry["path"]: entry for entry in failed("files", "ls", "a", "--recursive", "--json").json}
    assert (listed["d/f"]["uid"], listed["d/f"]["mode"]) == (1000, "0600")
    assert failed("files", "cat", "a", "d/f").stdout == "secret\n"
    assert "  +secret\n" in failed("files", "diff", "a").stdout


def test_an_export_belongs_to_the_user_and_a_tar_keeps_the_owners(failed: Program) -> None:
    target = failed.directory / "out"
    done = failed("files", "export", "a", "-o", str(target))
    assert (done.exit_code, done.stderr) == (0, "")
    assert (target / "d" / "f").read_text() == "secret\n"
    assert (target / "d" / "f").stat().st_uid == failed.directory.stat().st_uid
    data = failed("files", "export", "a", "-o", "-").stdout.encode("utf-8", "surrogateescape")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getmember("d/f").uid == 1000


def test_a_shell_works_and_leaves_nothing(failed: Program) -> None:
    done = failed("shell", "a", "--", "sh", "-c", "id -u; cat d/f; exit 4")
    assert (done.exit_code, done.stdout, done.stderr) == (4, "0\nsecret\n", "")


def test_a_store_that_cannot_be_written_can_be_read(failed: Program) -> None:
    failed.store.chmod(0o500)
    try:
        assert failed("runs", "--json").json[0]["result"] == "failed"
        assert failed("results").exit_code == 0
        assert failed("logs", "a").exit_code == 0
        assert failed("why", "a").exit_code == 0
        assert failed("du").exit_code == 0
        assert failed("files", "cat", "a", "plain").stdout == "plain\n"
        for command in (("run",), ("gc",), ("shell", "a", "--", "true")):
            done = failed(*command)
            assert (done.exit_code, "cannot be written" in done.stderr) == (3, True), command
    finally:
        failed.store.chmod(0o700)


def test_garbage_of_other_ids_can_be_collected(failed: Program) -> None:
    failed.define(failed.project.joinpath("outcrop.yml").read_text().replace("secret", "other"))
    assert failed("run").exit_code == 1
    done = failed("gc", "--keep-days", "0", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.json["removed"]["failed"] == 1
    assert failed("files", "cat", "a", "d/f").stdout == "other\n"
