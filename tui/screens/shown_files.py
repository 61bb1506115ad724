"""What the tree and the preview of the Inspect screen show: asked for page by page, and file by file."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.timer import Timer

from engine.api.file_messages import FileChanges, FileDetails, FilePage, FileRow
from engine.api.files_client import ContentOverHttp
from engine.api.messages import Refusal
from engine.layer_files.change_words import ChangeCounts
from tui.files_bridge import FilesBridge
from tui.model.file_rows import PageWanted
from tui.model.inspected import FilesView
from tui.widgets.file_preview import FilePreview
from tui.widgets.file_tree import FileTree

_AT_REST = 0.08  # seconds; while the cursor goes through the files, not each of them is opened
_UNDER_ANOTHER_TITLE = 0.25  # seconds
_LISTED = 30  # entries of a directory


class ShownFiles:
    """Fills both. `changed` is called when the numbers of the view are known."""

    def __init__(
        self, files: FilesBridge, tree: FileTree, preview: FilePreview, changed: Callable[[], None]
    ) -> None:
        self._files = files
        self._tree = tree
        self._preview = preview
        self._changed = changed
        self.view: FilesView | None = None
        self.counts: ChangeCounts | None = None
        self.matches: int | None = None
        self.details: FileDetails | None = None
        self._path: str | None = None
        self._asked_at = 0.0
        self._rest: Timer | None = None
        self._line: tuple[str, int] | None = None

    def show(self, view: FilesView | None, layers: tuple[str, ...], *, empty: str, forgets: bool) -> None:
        """List these files from now on; `layers`: their names, by position."""
        self.view = view
        self.counts = self.matches = None
        if view is None:
            self._path = None
            self._forget()
        self._tree.show_view(
            view,
            order="name" if view is None else view.order,
            descending=view is not None and view.descending,
            layers=layers,
            found="" if view is None else view.name,
            opens_all=view is not None and bool(view.name),
            forgets=forgets,
            empty=empty,
        )
        if view is None:
            self._tree.put(None, FilePage(path="", total=0, offset=0, rows=()))
        self._tree.set_timer(_UNDER_ANOTHER_TITLE, lambda: self._let_go(view))

    def _let_go(self, view: FilesView | None) -> None:
        """The files of another view must not stand below the heading of this one for long."""
        if view is self.view and self.counts is None:
            self._tree.let_go()

    def again(self) -> None:
        """Ask for the selected file once more."""
        self._ask()

    def pages_wanted(self, event: FileTree.PagesWanted) -> None:
        """The tree has rows in sight that are not there."""
        view = event.token
        for page in event.pages:
            if view is self.view and isinstance(view, FilesView):
                self._ask_for_page(view, page)
            elif view is None:
                self._tree.put(None, FilePage(path=page.path, total=0, offset=0, rows=()), page)

    def highlighted(self, path: str | None, row: FileRow | None) -> None:
        """The cursor is on another file: show it, at once if it has been at rest before."""
        self._path = path
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        if path is None or row is None:
            self._forget()
            return
        if time.monotonic() - self._asked_at > _AT_REST:
            self._ask()
        else:
            self._rest = self._tree.set_timer(_AT_REST, self._ask)

    def go_to(self, path: str, line: int | None = None) -> None:
        """Put the cursor on a path, and show this line of it once it is there."""
        self._line = None if line is None else (path, line)
        self._tree.select(path)
        if line is not None and self._path == path:
            self._ask()

    @property
    def is_file(self) -> bool:
        """Whether the selected path is, or was, a file."""
        current = self._tree.current
        return current is not None and current[1].kind == "file"

    def go_to_first_change(self, folder: str) -> None:
        """Put the cursor on the first change below a folder, or on the folder, unless it has been moved."""
        view, here = self.view, self._path
        if view is None:
            return

        def came(found: FileChanges) -> None:
            is_unmoved = self._path == here or self._tree.rows.cursor == 0  # where it is put by itself
            if view is self.view and is_unmoved:
                path = found.changes[0].path if found.changes else folder
                if path:
                    self.go_to(path)

        self._files.changes(
            view.state, came, lambda _: None, path=folder, before=view.before, limit=1, latest="files.first"
        )

    def content(self) -> tuple[str, ContentOverHttp] | None:
        """Path and bytes of the selected file, of a removed one as it was; None of what is no file."""
        view, current = self.view, self._tree.current
        if view is None or current is None or not self.is_file:
            return None
        path, row = current
        return path, self._files.content(view.before if row.change == "removed" else view.state, path)

    def _ask_for_page(self, view: FilesView, page: PageWanted) -> None:
        def came(answer: FilePage) -> None:
            if view is self.view:
                if page.path == "":
                    self.counts, self.matches = answer.counts, answer.matches
                self._tree.put(view, answer, page)
                if page.path == "":
                    self._changed()

        def refused(refusal: Refusal) -> None:
            if view is self.view:
                self._tree.refuse(view, page, refusal.message)

        self._files.page(
            view.state,
            page.path,
            came,
            refused,
            before=view.before,
            offset=page.offset,
            limit=page.limit,
            order=view.order,
            descending=view.descending,
            changes=view.changes,
            name=view.name,
            around=page.around,
        )

    def _ask(self) -> None:
        view, path = self.view, self._path
        self._rest = None
        if view is None or path is None:
            return
        self._asked_at = time.monotonic()

        def came(details: FileDetails) -> None:
            if view is self.view and path == self._path:
                self._show(view, details)

        def refused(refusal: Refusal) -> None:
            if view is self.view and path == self._path:
                self._forget(refusal.message)

        self._files.file(view.state, path, came, refused, before=view.before, latest="files.file")
        self._tree.set_timer(_UNDER_ANOTHER_TITLE, self._close_another)

    def _show(self, view: FilesView, details: FileDetails) -> None:
        self.details = details
        after = before = None
        if details.row is not None and details.row.kind == "file":
            after = self._files.content(view.state, details.path)
        if details.before is not None and details.before.kind == "file" and self._differs(details):
            before = self._files.content(view.before, details.path)
        line = self._line[1] if self._line is not None and self._line[0] == details.path else None
        self._line = None
        self._preview.show(details, after, before, line=line)
        row = details.row or details.before
        if row is not None and row.kind == "directory":
            self._ask_for_listing(view, details.path)
        self._changed()

    def _ask_for_listing(self, view: FilesView, path: str) -> None:
        """What of a directory is biggest."""

        def came(page: FilePage) -> None:
            if view is self.view and path == self._path:
                self._preview.listing(page)

        self._files.page(
            view.state,
            path,
            came,
            lambda _: None,
            before=view.before,
            limit=_LISTED,
            order="size",
            descending=True,
            latest="files.listing",
        )

    def _differs(self, details: FileDetails) -> bool:
        return details.row is None or details.digest != details.before_digest

    def _close_another(self) -> None:
        """The file before must not stand beside the name of this one for long."""
        if self.details is not None and self.details.path != self._path:
            self._forget()

    def _forget(self, words: str = "") -> None:
        self.details = None
        self._preview.show(None, words=words)
