"""A store, and a small root filesystem to make images of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.images.base_image import BaseContext, InspectedBase
from engine.images.inspect import inspect_base
from engine.pending_layer import materialise
from engine.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(str(tmp_path / "store")) as opened:
        yield opened


class Bases:
    """Looks at bases relative to `directory`, and writes their layers."""

    def __init__(self, store: Store, directory: Path) -> None:
        self.store = store
        self.directory = directory

    def inspect(self, image: str, config: str = "none") -> InspectedBase:
        """The first step alone."""
        context = BaseContext(
            store_root=self.store.root, layers=self.store.layers, directory=str(self.directory)
        )
        return inspect_base(image, config, context)

    def take(self, image: str, config: str = "none") -> InspectedBase:
        """Both steps."""
        found = self.inspect(image, config)
        for layer in found.pending:
            materialise(layer, self.store.layers)
        return found


@pytest.fixture
def bases(store: Store, tmp_path: Path) -> Bases:
    """For `rootfs:` and `oci:` relative to the test's own directory."""
    return Bases(store, tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root filesystem with a bit of everything."""
    root = tmp_path / "root"
    for name in ("bin", "etc", "usr/lib", "var/empty", "home"):
        (root / name).mkdir(parents=True)
    (root / "bin/sh").write_bytes(b"shell")
    (root / "bin/sh").chmod(0o4755)
    (root / "usr/lib/os-release").write_text('# comment\nID=debian\nVERSION_ID="12"\n')
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "lib").symlink_to("/usr/lib")
    (root / "one").write_text("same")
    os.link(root / "one", root / "two")
    (root / "odd\n\udcff").write_text("odd")
    os.mkfifo(root / "pipe", 0o640)
    with open(root / "sparse", "wb") as file:
        file.seek(4 << 20)
        file.write(b"end")
    return root
