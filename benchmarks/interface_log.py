"""What the log view costs with a log of a million lines: to open, to draw, to search, and in memory."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from textual.app import App, ComposeResult

from tui.file_log import FileLog
from tui.theme import ROLE_CLASSES, ROLE_CSS
from tui.theme_files import shipped_theme
from tui.widgets.log_view import LogView

LINES = 1_000_000
_PATTERNS = {"literal": "no such text", "expression": r"error: \d+ of (these|those)"}


class _LogApp(App[None]):
    """A log view, and a way to wait for what it says."""

    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS

    def __init__(self) -> None:
        super().__init__()
        self.view = LogView()
        self.searched = asyncio.Event()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shipped_theme().variables

    def compose(self) -> ComposeResult:
        yield self.view

    def on_log_view_matches(self, message: LogView.Matches) -> None:
        if message.done:
            self.searched.set()


def write_log(path: Path, lines: int = LINES) -> None:
    """A log as a compiler would print it, of about 104 bytes a line."""
    with path.open("wb") as file:
        for start in range(0, lines, 10_000):
            file.writelines(
                b"%07d 10:00:%02d compiling package github.com/example/module/sub%04d, flags -O2 -g -Wall: "
                b"ok in %3d ms\n" % (number, number % 60, number % 5000, number % 977)
                for number in range(start, min(start + 10_000, lines))
            )


async def _measure(path: str) -> dict[str, float]:
    app = _LogApp()
    found: dict[str, float] = {}
    async with app.run_test(size=(160, 50)) as pilot:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        app.view.open(FileLog(path), is_live=False)
        app.view.render_line(49)
        found["shown_s"] = time.perf_counter() - began
        await app.workers.wait_for_complete()
        await pilot.pause()
        found["opened_s"] = time.perf_counter() - began
        for name, pattern in _PATTERNS.items():
            app.searched.clear()
            began = time.perf_counter()
            app.view.search(pattern)
            await app.searched.wait()
            found[f"search_{name}_s"] = time.perf_counter() - began
        began = time.perf_counter()
        app.view.go_to_line(LINES // 2)
        for row in range(50):
            app.view.render_line(row)
        found["page_s"] = time.perf_counter() - began
        found["memory_mib"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    return found


def run() -> dict[str, float]:
    """Seconds until the end is shown, all is indexed and searched, a far page is drawn; MiB that it takes."""
    with tempfile.TemporaryDirectory(prefix="outcrop-log-") as directory:
        path = Path(directory) / "task.log"
        write_log(path)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.interface_log", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(_measure(sys.argv[1]))))
    else:
        print(json.dumps(run(), indent=2))
