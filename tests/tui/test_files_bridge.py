"""Questions about files through the bridge: answered where the app drains, the newest one where asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from engine.api.file_messages import FileDetails, FilePage, FoundLine, PlaceDetails, SearchProgress
from engine.api.files_client import Found
from engine.api.messages import Refusal
from tests.tui.bridge_listener import Listener, refused
from tests.tui.fake_files import FakeFiles, fake_layer
from tests.tui.fakes import FakeEngine

PLACE = "task:r/build"


def listener_of(engine: FakeEngine) -> Listener:
    engine.files.add(
        PLACE,
        fake_layer("deps", {"a.txt": b"one\n", "lib/b.txt": b"two\n"}),
        fake_layer("build", {"a.txt": b"three\n"}),
    )
    return Listener(engine)


def test_a_place_and_a_page_are_told_where_the_app_drains() -> None:
    listener = listener_of(FakeEngine())
    told: list[PlaceDetails | FilePage | FileDetails] = []
    threads: list[str] = []

    def then(answer: PlaceDetails | FilePage | FileDetails) -> None:
        told.append(answer)
        threads.append(threading.current_thread().name)

    files = listener.bridge.files
    files.place(PLACE, then, refused)
    files.page(PLACE, "", then, refused, changes={"changed"})
    files.file(PLACE, "a.txt", then, refused)
    listener.until(lambda: len(told) == 3)
    (page,) = [answer for answer in told if isinstance(answer, FilePage)]
    assert [(row.name, row.change) for row in page.rows] == [("a.txt", "changed")]
    assert set(threads) == {threading.current_thread().name}


def test_of_several_pages_with_the_same_word_the_newest_is_told() -> None:
    listener = listener_of(FakeEngine())
    told: list[str] = []
    for path in ("", "lib", "", "lib"):
        listener.bridge.files.page(PLACE, path, lambda page: told.append(page.path), refused, latest="tree")
    listener.until(lambda: "lib" in told)
    assert told[-1] == "lib"


def test_pages_without_a_word_are_all_told() -> None:
    listener = listener_of(FakeEngine())
    told: list[str] = []
    for path in ("", "lib", "", "lib"):
        listener.bridge.files.page(PLACE, path, lambda page: told.append(page.path), refused)
    listener.until(lambda: len(told) == 4)
    assert sorted(told) == ["", "", "lib", "lib"]


def test_of_names_that_are_asked_for_letter_by_letter_only_the_first_and_the_last_reach_the_engine() -> None:
    engine = FakeEngine()
    listener = listener_of(engine)
    told: list[tuple[str, ...]] = []
    for pattern in ("b", "b.", "b.t", "b.tx", "a.txt"):
        listener.bridge.files.names(
            PLACE, pattern, lambda found: told.append(tuple(name.path for name in found.found)), refused
        )
    listener.until(lambda: bool(told))
    assert told == [("a.txt",)]
    assert [question[2] for question in engine.files.asked if question[0] == "names"] == ["b", "a.txt"]
    listener.bridge.files.names(PLACE, "b.txt", lambda found: told.append(("again",)), refused)
    listener.until(lambda: len(told) == 2)


def test_a_refusal_is_told() -> None:
    engine = FakeEngine()
    listener = listener_of(engine)
    engine.files.refusal = Refusal(kind="store", message="the layer is gone")
    said: list[str] = []
    listener.bridge.files.place(PLACE, lambda _: None, lambda refusal: said.append(refusal.message))
    listener.until(lambda: bool(said))
    assert said == ["the layer is gone"]


def test_contents_come_in_batches_up_to_one_that_is_done() -> None:
    listener = listener_of(FakeEngine())
    batches: list[Sequence[Found]] = []
    listener.bridge.files.contents(PLACE, "t", batches.append, refused)
    listener.until(lambda: bool(batches) and isinstance(batches[-1][-1], SearchProgress))
    lines = [found.path for batch in batches for found in batch if isinstance(found, FoundLine)]
    assert lines == ["a.txt", "lib/b.txt"]


class EndlessFiles(FakeFiles):
    """A search that never ends by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()

    def contents(self, state: str, pattern: str, path: str = "", **more: object) -> Iterator[Found]:
        try:
            while True:
                yield FoundLine(path="a", number=1, text="a")
        finally:
            self.left.set()


class EndlessEngine(FakeEngine):
    endless = EndlessFiles()

    @property
    def files(self) -> EndlessFiles:
        return self.endless


def test_nothing_comes_of_a_search_that_was_stopped_and_the_engine_is_left() -> None:
    engine = EndlessEngine()
    listener = Listener(engine)
    batches: list[Sequence[Found]] = []
    stop = listener.bridge.files.contents(PLACE, "t", batches.append, refused)
    listener.until(lambda: bool(batches))
    stop()
    count = len(batches)
    assert engine.files.left.wait(20)
    told: list[str] = []
    listener.bridge.tell(lambda: told.append("last"))
    listener.until(lambda: bool(told))
    assert len(batches) == count


def test_contents_are_read_in_threads() -> None:
    content = listener_of(FakeEngine()).bridge.files.content(PLACE, "a.txt")
    assert (content.size(), content.read(0, 3)) == (6, b"thr")
