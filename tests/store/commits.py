"""Layers committed without a mount, here and in other processes, for tests of the store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.file_tree import manifest_digest
from engine.store import manifest_file
from engine.store.input_view import InputView
from engine.store.store import Store


def upper_with(store: Store, name: str, content: str) -> str:
    """An upperdir as a task leaves it."""
    upper = os.path.join(store.work_directory().directory(), "upper")
    os.makedirs(os.path.join(upper, "var/mint-workspace"))
    Path(upper, "var/mint-workspace", name).write_text(content)
    return upper


def commit(store: Store, name: str, content: str) -> str:
    view = InputView(store.layers.merged, (), "var/mint-workspace")
    digest = store.layers.commit(store.layers.capture(upper_with(store, name, content), view))
    assert digest is not None
    return digest


def check_whole(store: Store) -> int:
    """Every layer that is there is whole and is what its name says; how many there are."""
    for digest in store.layers.digests():
        manifest = manifest_file.read(store.layers.manifest_path(digest))
        assert manifest_digest(manifest) == digest
        for path, entry in manifest.entries.items():
            if entry.kind == "file":
                content = Path(store.layers.tree_path(digest), path)
                assert store.layers.hasher.digest(str(content), entry.size) == entry.digest
    for cache_key in store.entries.cache_keys():
        assert store.entries.peek(cache_key) is not None
    return len(store.layers.digests())


WORKER = """
import sys
from engine.store.store import Store
from tests.store.test_garbage import add_entry
from tests.store.commits import commit
with Store.open(sys.argv[1]) as store:
    store.work_directory()
    print("ready", flush=True)
    for number in range(int(sys.argv[2])):
        add_entry(store, commit(store, "file", str(number % 50)))
"""


def start_worker(home: Path, count: int) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(home), str(count)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker
