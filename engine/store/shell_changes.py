"""What shells have changed in the files of a task and kept: layers, for the next shell or another try."""

from __future__ import annotations

import os

from engine.store import disk
from engine.store.runs import RunDirectory

_UPON = "upon "


class ShellChanges:
    """Those of one task of a run. `upon`: its own layer; the changes count only while it has left just that.

    `before`: of shells in what the task started from.
    """

    def __init__(self, directory: RunDirectory, task: str, *, before: bool = False) -> None:
        self._path = directory.shell_path(task, before=before)
        self._holds_path = directory.holds_path

    def layers(self, upon: str | None) -> tuple[str, ...]:
        """Digests, lowest first; none of a shell that saw what an earlier attempt had left."""
        content = disk.read_file(self._path)
        heading, *layers = ("" if content is None else content.decode("ascii", "replace")).splitlines() or [
            ""
        ]
        return tuple(layers) if heading == _heading(upon) else ()

    def keep(self, upon: str | None, layers: tuple[str, ...]) -> None:
        """Have these from now on; the run holds them."""
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with disk.DiskErrors(self._path):
            with open(self._holds_path, "ab") as file:
                file.write("".join(f"{layer}\n" for layer in layers).encode())
            disk.write_atomically(
                self._path, "".join(f"{line}\n" for line in (_heading(upon), *layers)).encode()
            )


def _heading(upon: str | None) -> str:
    return f"{_UPON}{upon or 'nothing'}"
