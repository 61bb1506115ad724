"""What looking at a large filesystem costs the engine: opening, pages, layers, searches, differences.

The store is made of manifests only (`benchmarks.file_trees`): 300,000 entries that claim 6 GB in 16 layers,
those of a run that shares all but the last layers, and those of one that shares none.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks import file_trees, targets
from benchmarks.report import Row
from engine.layer_files.differences import differences
from engine.layer_files.search import NameMatch
from engine.layer_files.stack import Stack, State
from engine.layer_files.view import View
from engine.store.store import Store

_SHARED = 13  # layers that the second run has in common with the first


def make_store(home: str) -> list[list[str]]:
    """Three stacks of layers, by digest."""
    with Store.open(home) as store:

        def add(seed: int) -> list[str]:
            made = file_trees.layers(seed)
            return [store.layers.import_tree(manifest, lambda tree: None) for manifest in made]

        first, other = add(1), add(2)
        return [first, [*first[:_SHARED], *other[_SHARED:]], other]


def measure(home: str, stacks: list[list[str]]) -> dict[str, float]:
    """Seconds by step; MiB of resident memory that the first open adds."""
    found: dict[str, float] = {}

    def timed(step: str, action: Callable[[], object]) -> None:
        began = time.perf_counter()
        action()
        found[step] = time.perf_counter() - began

    with Store.open(home) as store:
        memory = _resident()
        opened: list[View] = []
        opened_stack: list[Stack] = []

        def open_first() -> None:
            stack = Stack([store.layers.index(digest) for digest in stacks[0]])
            opened_stack.append(stack)
            opened.append(View(stack.state(), stack.state(len(stacks[0]) - 2)))
            assert opened[0].page("").rows

        timed("open", open_first)
        found["open_mib"] = (_resident() - memory) / 1024**2
        view = opened[0]
        state = view.state
        found["entries"], found["bytes"] = state.entries, state.bytes
        folder = "usr"
        assert len(view.page(folder, 0, 500).rows) == 500
        timed("page", lambda: view.page(folder, 500, 500))
        stack = opened_stack[0]
        timed("next layer", lambda: View(stack.state(9), stack.state(8)).page(folder))
        for name, match in (
            ("search", NameMatch("module_1234")),
            ("search, no case", NameMatch("MODULE_1234", ignore_case=True)),
            ("search, regex", NameMatch(r"^core.*9\.so$", is_regex=True)),
        ):
            timed(name, partial(_search, state, match))
        for name, layers in (("diff, layers shared", stacks[1]), ("diff, none shared", stacks[2])):
            other = Stack([store.layers.index(digest) for digest in layers]).state()
            timed(name, partial(_compare, other, state))
    return found


def _search(state: State, match: NameMatch) -> None:
    assert list(islice(View(state, state, names=match).walk(), 500))


def _compare(before: State, after: State) -> None:
    assert differences(before, after).page(0, 500)


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def run(directory: Path, rounds: int) -> list[Row]:
    """Each round in a process of its own."""
    home = str(directory / "inspected")
    stacks = json.dumps(make_store(home))
    command = [sys.executable, "-m", "benchmarks.inspection", home, stacks]
    rows = {step: Row("INSPECT", step) for step in targets.INSPECT_SECONDS}
    memory = 0.0
    for _ in range(rounds):
        measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        memory = max(memory, measured["open_mib"])
        for step, row in rows.items():
            row.seconds.setdefault("outcrop", []).append(measured[step])
    for step, row in rows.items():
        most = targets.INSPECT_SECONDS[step]
        row.target = f"≤ {most * 1000:.0f} ms"
        row.reached = (row.median("outcrop") or 0) <= most
    opened = rows["open"]
    opened.note = f"{measured['entries']:,.0f} entries, {measured['bytes'] / 1e9:.1f} GB, +{memory:.0f} MiB"
    opened.target += f", ≤ {targets.INSPECT_MEBIBYTES} MiB"
    opened.reached = bool(opened.reached) and memory <= targets.INSPECT_MEBIBYTES
    return list(rows.values())


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))))
