"""End to end: the interface in a browser, by way of textual-serve, on a real run."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.program import Program
from tests.tui.browser import Page, chromium, page

_SERVE = """
import sys
from textual_serve.server import Server
Server(sys.argv[1], "127.0.0.1", int(sys.argv[2])).serve()
"""
_DEFINITION = """
base: {image: "host:", config: none}
tasks:
  - {key: quick, run: echo done}
  - {key: patient, use: quick, run: "echo begun; sleep 1000"}
"""
_WAITS = """
base: {image: "host:", config: none}
tasks:
  - {key: patient, run: "echo begun; until grep -q go released 2>/dev/null; do sleep 0.05; done"}
"""


@pytest.mark.namespaces
@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")
async def test_a_run_is_watched_and_cancelled_in_a_browser(outcrop: Program, tmp_path: Path) -> None:
    outcrop.define(_DEFINITION)
    async with _served(outcrop) as url, page(url, tmp_path / "profile", 1600, 900) as browser:
        await _until(lambda: _is_running(outcrop, "patient"))
        await _until(lambda: browser.evaluate("document.body.classList.contains('-first-byte')"))
        await _until(lambda: _is_drawn(browser, tmp_path / "picture.png"))
        await browser.click(400, 300)
        await browser.press("X")
        await _until(lambda: _has_ended(outcrop))
    run = outcrop("runs", "--json").json[0]
    assert (run["result"], run["cause"]) == ("failed", "cancelled")


@pytest.mark.namespaces
@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")
async def test_a_shell_opens_in_a_pane_where_a_browser_has_no_terminal_to_lend(
    outcrop: Program, tmp_path: Path
) -> None:
    outcrop.define(_WAITS)
    async with _served(outcrop) as url, page(url, tmp_path / "profile", 1600, 900) as browser:
        await _until(lambda: _is_running(outcrop, "patient"))
        await _until(lambda: browser.evaluate("document.body.classList.contains('-first-byte')"))
        await _until(lambda: _is_drawn(browser, tmp_path / "picture.png"))
        await browser.click(400, 300)
        await browser.press("s")
        await _until(lambda: _is_entered(outcrop))
        for key in "echo go >released; exit\r":
            await browser.press(key)
        await _until(lambda: _has_ended(outcrop))
        await asyncio.to_thread((tmp_path / "shell.png").write_bytes, await browser.screenshot())
    assert outcrop("runs", "--json").json[0]["result"] == "succeeded"


@asynccontextmanager
async def _served(outcrop: Program) -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = Program(
        directory=outcrop.directory,
        command=(sys.executable, "-c", _SERVE),
        known_children=outcrop.known_children,
    )
    with serving.start(outcrop.command[0], str(port)) as process:
        try:
            await _until(lambda: _listens(port))
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            outcrop("engine", "stop")


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _is_running(outcrop: Program, task: str) -> bool:
    done = await asyncio.to_thread(outcrop, "logs", task)
    return "begun" in done.stdout


async def _is_drawn(browser: Page, picture: Path) -> bool:
    """A blank page is a PNG of a few thousand bytes."""
    content = await browser.screenshot()
    await asyncio.to_thread(picture.write_bytes, content)
    return len(content) > 20_000


async def _is_entered(outcrop: Program) -> bool:
    """Whether a shell is in the task."""
    for path in outcrop.store.glob("runs-v1/*/events.jsonl"):
        if b'"task_entered"' in await asyncio.to_thread(path.read_bytes):
            return True
    return False


async def _has_ended(outcrop: Program) -> bool:
    done = await asyncio.to_thread(outcrop, "runs", "--json")
    return bool(done.json[0]["result"] != "running")


async def _until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  # another process is looked at
            await asyncio.sleep(0.1)
