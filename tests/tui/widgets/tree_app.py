"""An app of one file tree, which answers it from files in memory: at once, or when the test says so."""

from __future__ import annotations

from typing import Any

from engine.api.client import RefusedError
from tests.tui.fake_files import FakeFiles, fake_layer, link
from tests.tui.widgets.widget_app import WidgetApp
from tui.format import Glyphs
from tui.model.file_rows import PageWanted
from tui.widgets.file_tree import FileTree

STATE = "task:1/build"


def example_files() -> FakeFiles:
    """A base and what a task changed in it in every way."""
    files = FakeFiles()
    base = {f"usr/lib/lib{number:02}.so": b"x" * (number * 1000) for number in range(40)}
    base |= {
        "app/old.txt": b"old\n",
        "app/main.js": b"a = 1\n",
        "app/run.sh": b"#!/bin/sh\n",
        "etc/hosts": b"",
    }
    added: dict[str, Any] = {
        "app/main.js": b"a = 2\n" * 400,
        "app/dist/main.js.map": b"m" * 4_000_000,
        "app/run.sh": b"#!/bin/sh\n",
        "app/latest": link("dist/main.js.map"),
        "app/bad\nname": b"",
    }
    files.add(
        STATE,
        fake_layer("base", base, result="base"),
        fake_layer("build", added, deleted=("app/old.txt",), modes={"app/run.sh": 0o755}),
    )
    return files


class TreeApp(WidgetApp):
    """`token`: that of the view. `said`: what the tree told, in order, as (name, path).

    `waits`: questions stay in `asked`.
    """

    def __init__(self, files: FakeFiles, tree: FileTree | None = None, **app: Any) -> None:
        self.files_tree = tree or FileTree(Glyphs())
        super().__init__(self.files_tree, **app)
        self.files = files
        self.view: dict[str, Any] = {}
        self.state = STATE
        self.said: list[tuple[str, str | None]] = []
        self.asked: list[tuple[object, PageWanted]] = []
        self.waits = False
        self.token = 0

    def show(self, *, tree: dict[str, Any] | None = None, **view: Any) -> None:
        """Another view: `view` goes to the engine, `tree` to `show_view`."""
        self.view, self.token = view, self.token + 1
        self.files_tree.show_view(self.token, **(tree or {}))

    def on_file_tree_pages_wanted(self, message: FileTree.PagesWanted) -> None:
        self.asked += [(message.token, page) for page in message.pages]
        if not self.waits:
            self.answer()

    def on_file_tree_highlighted(self, message: FileTree.Highlighted) -> None:
        self.said.append(("highlighted", message.path))

    def on_file_tree_opened(self, message: FileTree.Opened) -> None:
        self.said.append(("opened", message.path))

    def on_file_tree_order_wanted(self, message: FileTree.OrderWanted) -> None:
        self.said.append(("order", message.order))

    def answer(self) -> None:
        """All that was asked so far."""
        asked, self.asked = self.asked, []
        for token, wanted in asked:
            try:
                page = self.files.page(
                    self.state,
                    wanted.path,
                    offset=wanted.offset,
                    limit=wanted.limit,
                    around=wanted.around,
                    **self.view,
                )
            except RefusedError as error:
                self.files_tree.refuse(token, wanted, error.message)
            else:
                self.files_tree.put(token, page, wanted)
