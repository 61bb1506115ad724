"""Several processes share a store, and any of them may be killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.store import disk, locks
from engine.store.store import Store
from tests.store.commits import check_whole, commit, start_worker
from tests.store.test_garbage import add_run, in_another_process


def test_killed_at_any_moment_it_leaves_whole_layers_and_nothing_else(tmp_path: Path) -> None:
    for round_number in range(12):
        worker = start_worker(tmp_path, 10_000)
        time.sleep(0.003 * round_number)  # the moment, not synchronisation
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        with Store.open(str(tmp_path)) as store:
            check_whole(store)
            own = store.work_directory().path
            assert os.listdir(os.path.join(store.root, "work")) == [os.path.basename(own)]
    assert os.listdir(tmp_path / "work") == []


def test_several_processes_make_the_same_layers(tmp_path: Path) -> None:
    workers = [start_worker(tmp_path, 200) for _ in range(4)]
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    with Store.open(str(tmp_path)) as store:
        assert check_whole(store) == 50


def test_collecting_beside_processes_that_work(tmp_path: Path) -> None:
    collector = """
import sys
from engine.store.garbage import collect
from engine.store.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    for _ in range(20):
        collect(store, max_size=0)
"""
    workers = [start_worker(tmp_path, 300) for _ in range(2)]
    collecting = subprocess.Popen([sys.executable, "-c", collector, str(tmp_path)], stdout=subprocess.PIPE)
    for process in (*workers, collecting):
        process.communicate()
        assert process.returncode == 0
    with Store.open(str(tmp_path)) as store:
        check_whole(store)


def test_one_process_at_a_time_does_what_a_cache_key_stands_for(store: Store) -> None:
    lock = store.locks.in_flight("k" * 64)
    assert lock is not None
    assert store.locks.in_flight("k" * 64) is None
    other = store.locks.in_flight("l" * 64)
    assert other is not None
    lock.release()
    again = store.locks.in_flight("k" * 64)
    assert again is not None
    again.release()
    other.release()
    assert not [name for name in os.listdir(os.path.join(store.root, "locks")) if name.startswith("in-")]


def test_a_lock_is_given_back_by_death(tmp_path: Path) -> None:
    def take(store: Store) -> None:
        assert store.locks.in_flight("k") is not None

    in_another_process(str(tmp_path), take)
    with Store.open(str(tmp_path)) as store:
        assert store.locks.in_flight("k") is not None


def test_what_a_killed_process_was_writing_goes(tmp_path: Path) -> None:
    def work(store: Store) -> None:
        store.locks.in_flight("k")
        run = add_run(store, "1", "/a")
        for folder in (run.path, os.path.join(store.root, "memos-v1")):
            os.makedirs(folder, exist_ok=True)
            for process in (os.getpid(), 1):
                Path(folder, f"file.{process}-00{disk.ASIDE}").write_text("x")
        os._exit(0)

    in_another_process(str(tmp_path), work)
    with Store.open(str(tmp_path)) as store:
        store.work_directory()
        left = [path.name for path in tmp_path.rglob("*" + disk.ASIDE)]
        assert left == [f"file.1-00{disk.ASIDE}"] * 2
        store.locks.remove_unused()
        assert not [name for name in os.listdir(tmp_path / "locks") if name.startswith("in-flight")]


def test_the_work_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    worker = start_worker(tmp_path, 10_000)
    (live,) = os.listdir(tmp_path / "work")
    with Store.open(str(tmp_path)) as store:
        store.work_directory()
        assert (tmp_path / "work" / live).is_dir()
    worker.kill()
    worker.communicate()
    assert locks.acquire(str(tmp_path / "work" / live / "lock"), waits=False) is not None


def test_a_hold_outlives_its_process_in_the_run(tmp_path: Path) -> None:
    def work(store: Store) -> None:
        add_run(store, "1", "/a")
        commit(store, "f", "x")

    in_another_process(str(tmp_path), work)
    with Store.open(str(tmp_path)) as store:
        (digest,) = store.layers.digests()
        assert Path(store.runs.directory("1").holds_path).read_text().split() == [digest]
