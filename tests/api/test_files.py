"""The files of tasks through the engine: listed, read, compared, searched and exported; nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from engine.api.client import EngineClient, RefusedError, connect
from engine.api.file_messages import FoundLine, SearchProgress
from engine.api.messages import Refusal
from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.names import to_wire
from engine.model.errors import MachineError
from engine.model.request import RunRequest
from tests.api.watching import ask, finished
from tests.program import Program
from tests.runs.project import Project, project_of

pytestmark = pytest.mark.namespaces

TASKS = r"""
- key: deps
  run: |
    mkdir -p out; echo one > a.txt; echo keep > keep.txt; echo gone > gone.txt; echo old > out/old
    ln a.txt hard.txt; ln -s /etc/passwd passwd; ln -s a.txt link; ln -s nowhere dead; mkfifo pipe
    printf 'needle\0binary' > binary; mkdir -p /opt/tool; echo 'the Needle' > /opt/tool/readme
- key: build
  use: deps
  run: |
    echo 'two needle' > a.txt; chmod 600 keep.txt; rm gone.txt; rm -r out; ln -s /etc out
    touch "$(printf 'line\nbreak')" "$(printf 'no-utf8-\377')"
    mkdir many; for n in $(seq 1 30); do echo "file $n" > many/$n; done
- {key: broken, use: build, run: "echo half > half.txt; exit 3"}
- {key: later, use: broken, run: "true"}
"""


class Served:
    """A run whose files are looked at."""

    def __init__(self, project: Project, client: EngineClient, run: str) -> None:
        self.project = project
        self.client = client
        self.files = client.files
        self.run = run
        self.place = f"task:{run}/build"

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """An answer, to a request as it stands."""
        return ask(self.project.program.store, path, method, None, **headers)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, busybox_root: Path) -> Iterator[Served]:
    program = Program(directory=tmp_path_factory.mktemp("outcrop"))
    program.prepare()
    project = project_of(program, busybox_root)
    client = connect(str(program.store), stays=True)
    run = client.start(RunRequest(definition=str(project.define(TASKS))))
    finished(client, run)
    yield Served(project, client, run)
    client.close()
    program("engine", "stop")
    assert program.leftovers() == []


WORK = "var/mint-workspace"


def test_a_place_names_its_layers_and_who_brought_them(served: Served) -> None:
    place = served.files.place(served.place)
    assert [layer.name for layer in place.layers[-2:]] == ["deps", "build"]
    assert {layer.name for layer in place.layers[:-2]} == {"base"}
    own = place.layers[-1]
    assert (place.own, own.position, own.result) == (len(place.layers) - 1, len(place.layers) - 1, "executed")
    assert (own.counts.changed, own.counts.removed, own.counts.metadata) == (2, 2, 1)
    assert own.command.startswith("echo 'two needle'")
    assert (place.title, place.workspace) == ("build", WORK)
    assert place.entries > own.entries > 0


def test_a_run_may_be_named_by_a_word(served: Served) -> None:
    assert served.files.place("task:latest/build").place == served.place


def test_a_failed_task_shows_what_it_changed_before_it_died(served: Served) -> None:
    place = served.files.place(f"task:{served.run}/broken")
    assert (place.layers[-1].name, place.layers[-1].result) == ("broken", "failed")
    (change,) = served.files.changes(place.place).changes
    assert (change.path, change.change) == (f"{WORK}/half.txt", "added")
    assert served.files.content(place.place, change.path).read(0, 100) == b"half\n"


def test_a_task_that_did_not_run_has_no_files(served: Served) -> None:
    with pytest.raises(RefusedError) as refused:
        served.files.place(f"task:{served.run}/later")
    assert refused.value.refusal.kind == "not_found"
    assert "did not run" in refused.value.message


def test_a_directory_says_what_changed_against_the_layer_below(served: Served) -> None:
    rows = {row.name: row for row in served.files.page(served.place, WORK).rows}
    assert (rows["a.txt"].change, rows["a.txt"].bytes) == ("changed", 11)
    assert (rows["keep.txt"].change, rows["keep.txt"].mode) == ("metadata", 0o600)
    assert rows["gone.txt"].change == "removed"
    assert rows["hard.txt"].change is None
    assert (rows["many"].counts, rows["many"].children) == (ChangeCounts(added=30), 30)
    assert rows["many"].bytes == sum(len(f"file {n}\n") for n in range(1, 31))
    assert (rows["link"].kind, rows["link"].target, rows["pipe"].kind) == ("symlink", "a.txt", "fifo")
    assert {"line\nbreak", to_wire(os.fsdecode(b"no-utf8-\xff"))} < rows.keys()


def test_a_view_of_changes_shows_the_layer_alone(served: Served) -> None:
    page = served.files.page(served.place, WORK, changes={"changed", "metadata"})
    assert [row.name for row in page.rows] == ["a.txt", "keep.txt", "out"]
    top = served.files.page(served.place, changes={"changed", "metadata"})
    assert [row.name for row in top.rows] == ["var"]


def test_pages_are_as_long_as_asked_and_around_a_name(served: Served) -> None:
    page = served.files.page(served.place, f"{WORK}/many", limit=10, offset=20)
    assert (page.total, page.offset, len(page.rows)) == (30, 20, 10)
    around = served.files.page(served.place, f"{WORK}/many", limit=10, around="15")
    assert "15" in [row.name for row in around.rows]
    assert around.offset % 10 == 0


def test_names_filter_a_view_and_leave_the_way_to_them(served: Served) -> None:
    page = served.files.page(served.place, name="README")
    assert ([row.name for row in page.rows], page.matches) == (["opt"], 1)


def test_two_places_are_compared(served: Served) -> None:
    found = served.files.changes(served.place, before=f"task:{served.run}/broken")
    assert [(change.path, change.change) for change in found.changes] == [(f"{WORK}/half.txt", "removed")]
    assert found.counts == ChangeCounts(removed=1)
    base = served.files.place(served.place).layers[0].position
    assert served.files.changes(f"{served.place}#{base}", before=f"{served.place}#-1").counts.removed == 0


def test_changes_come_page_by_page_below_a_path(served: Served) -> None:
    whole = served.files.changes(served.place)
    parts = [
        change
        for offset in range(0, whole.counts.total, 7)
        for change in served.files.changes(served.place, offset=offset, limit=7).changes
    ]
    assert tuple(parts) == whole.changes
    assert len(whole.changes) == whole.counts.total
    assert served.files.changes(served.place, f"{WORK}/many").counts == ChangeCounts(added=30)


def test_details_of_a_path_say_what_it_was_before(served: Served) -> None:
    details = served.files.file(served.place, f"{WORK}/a.txt")
    assert details.row is not None
    assert details.before is not None
    assert (details.row.bytes, details.before.bytes, details.layer_name) == (11, 4, "build")
    assert details.digest != details.before_digest != ""
    link = served.files.file(served.place, f"{WORK}/link")
    assert (link.resolved, link.layer_name) == (f"{WORK}/a.txt", "deps")
    assert served.files.file(served.place, f"{WORK}/dead").resolved is None
    gone = served.files.file(served.place, f"{WORK}/gone.txt")
    assert (gone.row, gone.before is None) == (None, False)
    first = len(served.files.place(served.place).layers) - 2
    hard = served.files.file(f"{served.place}#{first}", f"{WORK}/a.txt")
    assert hard.links == (f"{WORK}/hard.txt",)


def test_contents_are_read_in_ranges_of_any_state(served: Served) -> None:
    content = served.files.content(served.place, f"{WORK}/a.txt")
    assert (content.size(), content.read(0, 100), content.read(4, 6)) == (11, b"two needle\n", b"needle")
    assert (content.read(11, 5), content.read(0, 0)) == (b"", b"")
    below = len(served.files.place(served.place).layers) - 2
    assert served.files.content(f"{served.place}#{below}", f"{WORK}/a.txt").read(0, 100) == b"one\n"
    hostile = to_wire(os.fsdecode(b"no-utf8-\xff"))
    assert served.files.content(served.place, f"{WORK}/{hostile}").size() == 0
    query = f"/v1/file/content?state={quote(served.place)}&path={WORK}/a.txt"
    code, headers, data = served.ask(query, Range="bytes=0-2")
    assert (code, data, headers["Content-Range"]) == (206, b"two", "bytes 0-2/11")
    assert served.ask(query, Range="bytes=11-")[0] == 416
    code, headers, data = served.ask(query, "HEAD")
    assert (code, headers["Outcrop-Size"], data) == (200, "11", b"")


HOSTILE_PATHS = [
    "..",
    "../../../../etc/passwd",
    "/etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    f"{WORK}/../../../../../../etc/passwd",
    f"{WORK}/passwd",  # a link to /etc/passwd
    f"{WORK}/out/passwd",  # through a link to /etc
    f"{WORK}/out",
    f"{WORK}/pipe",
    f"{WORK}/many",
    f"{WORK}/a.txt%00",
    f"{WORK}/a.txt%00/../../etc/passwd",
    f"{WORK}/./a.txt",
    f"{WORK}//a.txt",
    "dev/null",
    "proc/self/environ",
    "manifest",
    "%f4%8f%bf%bf",
    "%ff",
    "",
    "a/" * 2000 + "a",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=lambda path: path[:60])
def test_nothing_but_files_of_layers_is_read(served: Served, path: str) -> None:
    code, _, data = served.ask(f"/v1/file/content?state={quote(served.place)}&path={path}")
    assert code in (400, 404), data
    assert b"root:" not in data
    assert msgspec.json.decode(data, type=Refusal).kind in ("not_found", "usage")


HOSTILE_PLACES = [
    "task:../../etc/passwd",
    "task:..%2f..%2f/build",
    "task:/etc/passwd",
    "task:latest/../build",
    "task:latest/%2e%2e%2fbuild",
    "task:latest/",
    "task:latest",
    "task:",
    "image:..",
    "image:../../etc",
    "image:" + "a" * 64,
    "image:%2fetc%2fpasswd",
    "layer:" + "a" * 64,
    "build",
    "task:latest/build%23999999",
    "task:latest/build%23-2",
    "task:latest/build%23",
    "task:latest/build%231%232",
    "task:a%00b/build",
]


@pytest.mark.parametrize("place", HOSTILE_PLACES)
def test_no_place_is_a_path(served: Served, place: str) -> None:
    for query in (f"files?state={place}", f"file/content?state={place}&path=a", f"tar?state={place}"):
        code, _, data = served.ask(f"/v1/{query}")
        assert code in (400, 404), (query, data)
        assert b"root:" not in data


@pytest.mark.parametrize(
    "query",
    [
        "files?state=STATE&order=colour",
        "files?state=STATE&changes=dreamt",
        "files?state=STATE&descending=maybe",
        "files?state=STATE&limit=many",
        "files?state=STATE&offset=-1",
        "names?state=STATE&pattern=(&regex=1",
        "names?state=STATE&pattern=(a%2B)%2Bb&regex=1",
        "names?state=STATE",
        "contents?state=STATE&pattern=(&regex=1",
        "contents?state=STATE&pattern=(a*)*b&regex=1",
        "contents?state=STATE&pattern=",
        "files",
        "place",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(served: Served, query: str) -> None:
    code, _, data = served.ask("/v1/" + query.replace("STATE", quote(served.place)))
    assert (code, msgspec.json.decode(data, type=Refusal).kind) == (400, "usage"), data


def test_a_symlink_in_the_store_itself_is_not_followed(served: Served) -> None:
    """As if something had been put in the place of a file of a layer."""
    own = served.files.place(served.place).layers[-1].digest
    file = served.project.program.store / "layers-v1" / own[:2] / own / "tree" / WORK / "many" / "7"
    file.rename(file.with_name("aside"))
    try:
        for is_link in (True, False):
            if is_link:
                file.symlink_to("/etc/passwd")
            else:
                os.mkfifo(file)
            with pytest.raises(OSError, match="is no file in the store"):
                served.files.content(served.place, f"{WORK}/many/7").read(0, 100)
            file.unlink()
        with pytest.raises(OSError, match="does not hold"):
            served.files.content(served.place, f"{WORK}/many/7").size()
        file.write_text("another length")
        with pytest.raises(OSError, match="is damaged"):
            served.files.content(served.place, f"{WORK}/many/7").size()
    finally:
        file.with_name("aside").rename(file)
    assert served.files.content(served.place, f"{WORK}/many/7").read(0, 100) == b"file 7\n"


def test_names_are_found_as_text_and_by_expression(served: Served) -> None:
    found = served.files.names(served.place, "ReadMe")
    assert [one.path for one in found.found] == ["opt/tool/readme"]
    assert served.files.names(served.place, "ReadMe", ignore_case=False).total == 0
    numbers = served.files.names(served.place, r"^1\d$", is_regex=True)
    assert [(one.path, one.change) for one in numbers.found] == [
        (f"{WORK}/many/1{digit}", "added") for digit in range(10)
    ]
    assert served.files.names(served.place, r"^1\d$", is_regex=True, offset=8).found == numbers.found[8:]


def test_contents_are_searched_line_by_line(served: Served) -> None:
    *lines, last = served.files.contents(served.place, "needle")
    assert [(line.path, line.number, line.text) for line in lines if isinstance(line, FoundLine)] == [
        ("opt/tool/readme", 1, "the Needle"),
        (f"{WORK}/a.txt", 1, "two needle"),
    ]
    assert isinstance(last, SearchProgress)
    assert (last.done, last.found, last.is_cut) == (True, 2, False)
    assert last.skipped > 0  # the binary one
    changed = list(served.files.contents(served.place, "needle", changed_only=True))
    assert [line.path for line in changed if isinstance(line, FoundLine)] == [f"{WORK}/a.txt"]
    inside = list(served.files.contents(served.place, "^the N", "opt", is_regex=True, ignore_case=False))
    assert [line.path for line in inside if isinstance(line, FoundLine)] == ["opt/tool/readme"]


def test_a_search_ends_when_nobody_reads_it(served: Served) -> None:
    for _ in range(10):  # more than may go on at once
        found = served.files.contents(served.place, ".", is_regex=True)
        next(found)
        found.close()  # type: ignore[attr-defined]
    assert isinstance(next(iter(served.files.contents(served.place, "file 7"))), FoundLine)


def test_a_directory_is_exported_as_it_is(served: Served, tmp_path: Path) -> None:
    target = tmp_path / "out"
    told: list[tuple[int, int]] = []
    assert served.files.export(served.place, WORK, str(target), lambda *how: told.append(how)) == ()
    assert (target / "a.txt").read_text() == "two needle\n"
    assert (target / "many" / "30").read_text() == "file 30\n"
    assert os.readlink(target / "passwd") == "/etc/passwd"
    assert stat.S_IMODE((target / "keep.txt").stat().st_mode) == 0o600
    assert stat.S_ISFIFO((target / "pipe").lstat().st_mode)
    assert os.path.lexists(os.fsencode(target) + b"/no-utf8-\xff")
    assert told[-1][0] > 30
    with pytest.raises(MachineError, match="exists already"):
        served.files.export(served.place, WORK, str(target))


def test_only_what_changed_is_exported_where_asked(served: Served, tmp_path: Path) -> None:
    served.files.export(served.place, "", str(tmp_path / "own"), changed_only=True)
    assert sorted(os.listdir(tmp_path / "own")) == ["var"]
    work = tmp_path / "own" / WORK
    assert {"a.txt", "keep.txt", "many"} <= set(os.listdir(work))
    assert not (work / "hard.txt").exists()


def test_one_file_is_exported_alone(served: Served, tmp_path: Path) -> None:
    served.files.export(served.place, f"{WORK}/a.txt", str(tmp_path / "mine"))
    assert (tmp_path / "mine").read_text() == "two needle\n"
    with pytest.raises(RefusedError):
        served.files.export(served.place, f"{WORK}/none", str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_choices_begin_with_the_tasks_of_the_run(served: Served) -> None:
    places = [choice.place for choice in served.files.choices(served.run)]
    assert f"task:{served.run}/build" in places
    assert served.files.choices()[:1] == []


def test_a_collected_layer_is_said_to_be_one(served: Served) -> None:
    served.files.page(served.place)
    own = served.files.place(served.place).layers[-1].digest
    layer = served.project.program.store / "layers-v1" / own[:2] / own
    layer.rename(layer.with_name("aside"))
    try:
        with pytest.raises(OSError, match="does not hold"):
            served.files.content(served.place, f"{WORK}/a.txt").size()
        with pytest.raises(MachineError, match=r"cut short|not whole") as cut:
            served.files.export(served.place, f"{WORK}/many", str(layer.with_name("export")))
        assert "does not hold" in cut.value.message
    finally:
        layer.with_name("aside").rename(layer)


def test_waste_says_what_is_kept_twice_and_why(served: Served) -> None:
    waste = served.files.waste(served.place)
    assert 0 < waste.score < 1
    paths = {path.path: path for path in waste.paths}
    again = paths[f"{WORK}/a.txt"]
    assert (again.count, again.bytes) == (2, len("one\n") + len("two needle\n"))
    own = len(served.files.place(served.place).layers) - 1
    assert again.layers == (own - 1, own)
    assert again.advice


def test_a_place_whose_layer_is_gone_says_what_to_do(served: Served) -> None:
    own = served.files.place(served.place).layers[-1].digest
    assert served.project("engine", "stop").exit_code == 0
    assert served.project("engine", "start").exit_code == 0
    layer = served.project.program.store / "layers-v1" / own[:2] / own
    layer.rename(layer.with_name("aside"))
    try:
        with pytest.raises(RefusedError, match="the layer of `build` has been collected") as refused:
            served.files.page(served.place)
        assert (refused.value.refusal.kind, refused.value.hint) == ("store", "another run makes it again")
        assert served.files.page(f"task:{served.run}/deps").total > 0
    finally:
        layer.with_name("aside").rename(layer)
    assert served.files.page(served.place).total > 0
