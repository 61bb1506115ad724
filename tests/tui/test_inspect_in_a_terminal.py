"""The Inspect screen of the real program in a real terminal, with a real engine."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
from functools import partial
from pathlib import Path

import pytest

from tests.program import Program
from tests.tui.gate import Gate
from tests.tui.terminal_runs import NARROW, QUICKSTART, WIDE, define, is_prompt, row
from tests.tui.tmux import Terminal, tmux

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.skipif(tmux() is None, reason="no tmux on this machine"),
]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@SIZES
def test_the_files_of_a_task_are_looked_at_searched_and_exported(
    program: Program, size: tuple[int, int]
) -> None:
    shutil.copytree(QUICKSTART, program.project, dirs_exist_ok=True)
    assert program("run").exit_code == 0
    with Terminal(program, "inspect", "bundle", size=size) as terminal:
        terminal.wait_for("inspect → bundle", "+       site.tar.gz", "this machine's own")
        terminal.press("Enter")
        terminal.wait_for("/var/mint-workspace/site.tar.gz", "public/index.html")
        terminal.press("F")
        terminal.wait_for("type what to search: names")
        terminal.press("Tab")
        terminal.wait_for("type what to search: text in files")
        terminal.type("unconformity.md)")
        terminal.press("Enter")
        terminal.wait_for("lines in", "pages/strata.md:10:")
        terminal.press("Enter")
        terminal.wait_for("/var/mint-workspace/pages/index.md", lambda text: "lines in" not in text)
        terminal.press("E")
        terminal.wait_for("export /var/mint-workspace/pages/")
        terminal.press("C-u")
        terminal.wait_for(re.compile(r"pages/index\.md to *$", re.MULTILINE).search)
        terminal.type("taken-out.md")
        terminal.press("Enter")
        terminal.wait_for("exported to")
        assert "unconformity.md" in (program.project / "taken-out.md").read_text()
        assert max(map(len, terminal.text().splitlines())) <= size[0]
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_a_pager_reads_a_copy_that_is_gone_afterwards(program: Program, tmp_path: Path) -> None:
    define(program, one="echo hello from the layer > greeting.txt")
    assert program("run").exit_code == 0
    pager = program.project / "pager"
    pager.write_text('#!/bin/sh\necho "$1" >"$0.of"; echo a pager; cat "$1"; read line\n')
    pager.chmod(0o755)
    with Terminal(program, "inspect", "one", more={"PAGER": str(pager)}) as terminal:
        terminal.wait_for("▸+", "greeting.txt")
        terminal.press("o")
        terminal.wait_for("hello from the layer", "a pager")
        copy = (program.project / "pager.of").read_text().rstrip("\n")
        assert copy.endswith("/greeting.txt") and Path(copy).exists()
        terminal.press("Enter")
        terminal.wait_for("inspect → one")
        assert not Path(copy).parent.exists()
        terminal.press("s")
        terminal.wait_for("as it left it", is_prompt)
        terminal.type("cat greeting.txt; exit\n")
        terminal.wait_for("inspect → one", "greeting.txt")
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_a_task_is_inspected_while_it_runs_and_shows_what_it_did_when_it_has_ended(
    program: Program, gate: Gate
) -> None:
    define(
        program,
        first="echo 1 > first.txt",
        slow="{use: first} echo 2 > second.txt; " + gate.script("slow"),
    )
    with Terminal(program, size=WIDE) as terminal:
        gate.wait_for("slow")
        terminal.wait_for(partial(row, task="slow", word="running"))
        terminal.press("G")
        terminal.wait_for(lambda text: re.search(r"slow . running ·", text))
        terminal.press("i")
        screen = terminal.wait_for("inspect → slow", "started from", "first.txt")
        assert "second.txt" not in screen
        gate.let("slow")
        terminal.wait_for("all files up to slow", "second.txt")
        terminal.press("1")
        terminal.wait_for("● succeeded")
        terminal.press("2")
        terminal.wait_for("all files up to slow", "second.txt")
        terminal.press("Escape")
        terminal.wait_for("● succeeded")
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_a_failed_task_is_inspected_with_what_it_changed_before(program: Program) -> None:
    define(program, bad="echo half > half-done; exit 3")
    with Terminal(program, size=NARROW) as terminal:
        terminal.wait_for("✖ failed")
        terminal.press("e", "i")
        terminal.wait_for("inspect → bad", "▸+", "half-done")
        terminal.press("U")
        terminal.wait_for("bad alone", lambda text: "etc" not in text)
        terminal.press("q")
        assert terminal.left()[0] == 1


@SIZES
def test_an_image_that_outcrop_did_not_make_is_inspected(program: Program, size: tuple[int, int]) -> None:
    _image(program.project / "image.tar")
    with Terminal(program, "inspect", "image.tar", size=size) as terminal:
        terminal.wait_for("inspect → demo:1.4", "all files up to RUN clean", "−", "main.py", "new.py")
        terminal.press("W")
        terminal.wait_for("Waste of demo:1.4", "/app/main.py", "RUN clean")
        terminal.press("W")
        terminal.wait_for(lambda text: "Waste of" not in text)
        terminal.press("c")
        terminal.wait_for("up to COPY app", "nothing")
        terminal.press("Escape")
        terminal.wait_for(lambda text: "up to COPY app" not in text)
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_what_is_not_there_is_told_before_anything_is_drawn(program: Program) -> None:
    define(program, one="true")
    assert program("run").exit_code == 0
    with Terminal(program, "inspect", "on") as terminal:
        code, left = terminal.left()
        assert code == 2
        assert "no task `on`" in left


def _image(path: Path) -> None:
    """A docker archive of three layers; the last removes a file, and writes another one again."""
    layers = [
        _layer({"etc/os-release": b"NAME=demo\n"}),
        _layer({"app/main.py": b"print(1)\n", "app/data": b"x" * 5000}),
        _layer({"app/.wh.main.py": b"", "app/new.py": b"print(2)\n", "app/data": b"y" * 5000}),
    ]
    names = [hashlib.sha256(layer).hexdigest() for layer in layers]
    commands = ("FROM scratch", "COPY app /app", "RUN clean")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{name}" for name in names]},
        "history": [{"created_by": command} for command in commands],
    }
    manifest = {
        "Config": "config.json",
        "RepoTags": ["demo:1.4"],
        "Layers": [f"{it}/layer.tar" for it in names],
    }
    files = {f"{name}/layer.tar": layer for name, layer in zip(names, layers, strict=True)}
    files |= {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps([manifest]).encode()}
    path.write_bytes(_layer(files))


def _layer(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()
