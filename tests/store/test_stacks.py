"""Layers that stand on others: everyone sees them whole, whatever becomes of what they stand on."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.file_tree import Entry, LayerManifest, apply_layer, manifest_digest
from engine.model.errors import StoreError
from engine.snapshot.write_tree import TreeSource, write_tree
from engine.store import attributes, content_digest, garbage, manifest_file, stacks
from engine.store.accounting import measure
from engine.store.durability import Stamp
from engine.store.linking import sources_of
from engine.store.store import Store
from tests.layer_checks import assert_as_described
from tests.store.tasks import layer_of, seen, timeless, view_of
from tests.store.test_garbage import add_entry

Files = dict[str, str]
PREFIX = "var/mint-workspace"
MANY: Files = {f"d{number % 7}/f{number}": str(number) for number in range(400)}


def manifest_of(files: Files, links: dict[str, str] | None = None) -> LayerManifest:
    """A layer with these files; a text that begins with `->` is a symlink, one that ends with `/` no file."""
    uid, gid = os.geteuid(), os.getegid()
    tree = {"": Entry("directory", 0o755, uid, gid)}
    for path, text in files.items():
        for parent in [*Path(path).parents][:-1]:
            tree.setdefault(str(parent), Entry("directory", 0o755, uid, gid))
        if text.startswith("->"):
            tree[path] = Entry("symlink", 0o777, uid, gid, target=text[2:])
        elif text.endswith("/"):
            tree[path] = Entry("directory", 0o755, uid, gid)
        else:
            data = text.encode()
            tree[path] = Entry("file", 0o644, uid, gid, len(data), content_digest.digest_of(data))
    del tree[""]
    root = Entry("directory", 0o755, uid, gid)
    entries = {f"{PREFIX}/{path}": tree[path] for path in sorted(tree)}
    linked = {f"{PREFIX}/{later}": f"{PREFIX}/{first}" for later, first in (links or {}).items()}
    return LayerManifest(entries, (), {"": root, "var": root, PREFIX: root}, linked)


def put(store: Store, files: Files, upon: str | None = None, links: dict[str, str] | None = None) -> str:
    """Make the layer, upon another where that is possible."""
    manifest = manifest_of(files, links)

    def fill(written: LayerManifest, directory: str) -> None:
        shared = None if upon is None else (store.layers.manifest(upon), store.layers.locator(upon))
        source = TreeSource(
            locate=lambda path: "/nowhere",
            read=lambda path: files[path[len(PREFIX) + 1 :]].encode(),
            shared=shared,
        )
        write_tree(written, source, directory)

    if upon is None:
        return store.layers.import_tree(manifest, lambda directory: fill(manifest, directory), True)
    return store.layers.import_upon(upon, manifest, fill)


def stands_on(store: Store, digest: str) -> str:
    header = manifest_file.read_header(store.layers.manifest_path(digest))
    assert header is not None
    return header.stands_on


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


CHANGES: dict[str, Callable[[Files], object]] = {
    "one changed": lambda files: files.update({"d1/f1": "else"}),
    "one new": lambda files: files.update({"d1/new": "else"}),
    "new directories": lambda files: files.update({"d1/x/y/new": "else"}),
    "one gone": lambda files: files.pop("d1/f1", None),
    "a directory gone": lambda files: [files.pop(path) for path in list(files) if path.startswith("d2/")],
    "a directory for a file": lambda files: files.update({"d1/f1": "a/", "d1/f1/x": "else"}),
    "a file for a directory": lambda files: [
        [files.pop(path) for path in list(files) if path.startswith("d2/")],
        files.update({"d2": "a file"}),
    ],
    "a link for a directory": lambda files: [
        [files.pop(path) for path in list(files) if path.startswith("d2/")],
        files.update({"d2": "->d1"}),
    ],
    "an empty directory": lambda files: files.update({"empty": "/"}),
}


@pytest.mark.namespaces
@pytest.mark.parametrize("change", CHANGES)
def test_the_kernel_shows_the_whole_layer(store: Store, change: str) -> None:
    with store:
        first = put(store, MANY)
        files = dict(MANY)
        CHANGES[change](files)
        second = put(store, files, first)
        assert stands_on(store, second) == first
        assert second == manifest_digest(manifest_of(files))
        assert store.layers.manifest(second) == manifest_of(files)
        assert timeless(seen(store, view_of(store, (second,)))) == timeless(view_of(store, (second,)).tree)
        assert_as_described(store, second)
    with Store.open(store.root) as again:
        assert again.layers.manifest(second) == manifest_of(files)
        manifest = manifest_of(files)
        assert again.layers.index(second).rows == len(manifest.entries) + len(manifest.passed)


@pytest.mark.namespaces
@pytest.mark.parametrize("number", range(12))
def test_after_many_changes_layers_upon_and_below_others_show_what_their_manifests_say(
    store: Store, number: int
) -> None:
    """Every stack lies between layers that have some of its paths too, and two stacks in one view."""
    choice = random.Random(number)
    with store:
        states, latest = [MANY], put(store, MANY)
        digests = [latest]
        for _ in range(choice.choice((2, 6, 12))):
            files = dict(states[-1])
            for _ in range(choice.choice((1, 3, 60))):
                CHANGES[choice.choice(list(CHANGES))](files) if choice.random() < 0.1 else None
                path = choice.choice(list(files))
                if choice.random() < 0.4:
                    files.pop(path)
                elif not any(other.startswith(path + "/") for other in files):
                    files[path] = choice.choice(("->x", "new", "other", "longer text"))
            files = {
                path: text
                for path, text in files.items()
                if not any(not files.get(str(up), "/").endswith("/") for up in Path(path).parents)
            }
            latest = put(store, files, latest)
            states.append(files)
            digests.append(latest)
        below = layer_of(store, lambda root: _write(root, {"d1/f1/below": "b", "d2/f2": "b", "d3/zz/y": "b"}))
        above = layer_of(store, lambda root: _write(root, {"d4/f4": "a", "d1/q": "a"}))
        for layers in (
            (below, latest),
            (latest, above),
            (below, latest, above),
            (below, choice.choice(digests), above, latest),
            (choice.choice(digests), below, choice.choice(digests)),
        ):
            view = view_of(store, layers)
            shown = seen(store, view)
            assert timeless(shown) == timeless(view.tree), layers


def _write(root: str, files: Files) -> None:
    for path, text in files.items():
        place = Path(root, PREFIX, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for directory, _, _ in os.walk(root):
        os.chmod(directory, 0o755)


@pytest.mark.namespaces
def test_a_filtered_task_sees_its_part_of_a_stack(store: Store) -> None:
    with store:
        first = put(store, MANY)
        files = {**MANY, "d1/f1": "else", "d1/new": "x"}
        del files["d2/f2"]
        second = put(store, files, first)
        for patterns in (["d1/*"], ["d2/*", "d1/new"], ["!d1/f1"]):
            view = view_of(store, (second,), patterns)
            assert timeless(seen(store, view)) == timeless(view.tree)


def test_a_chain_of_small_changes_stays_low(store: Store) -> None:
    with store:
        files, latest = dict(MANY), put(store, MANY)
        heights = []
        for number in range(90):
            files[f"d{number % 7}/f{number}"] = f"changed {number}"
            latest = put(store, files, latest)
            heights.append(len(store.layers.lowerdirs(latest)))
        assert heights[:10] == [2] * 10
        assert all(1 < height <= stacks.MOST_HIGH for height in heights)
        assert_as_described(store, latest)


def test_what_differs_much_is_written_whole(store: Store) -> None:
    with store:
        first = put(store, MANY)
        files = {
            path: text + ("x" if number % 3 == 0 else "") for number, (path, text) in enumerate(MANY.items())
        }
        second = put(store, files, first)
        assert stands_on(store, second) == ""
        small = put(store, {"a": "1", "b": "2"})
        assert stands_on(store, put(store, {"a": "1", "b": "3"}, small)) == ""
        assert_as_described(store, second)


def test_no_stack_grows_beyond_its_limit(store: Store) -> None:
    """Large changes can't be written again with each further one, so stacks grow; at last they are merged."""
    many = {f"d{number % 7}/f{number}": str(number) for number in range(12_000)}
    heights = []
    with store:
        latest = put(store, many)
        for step in range(20):
            many.update({f"d{n % 7}/f{n}": f"step {step}" for n in range(step * 200, step * 200 + 200)})
            latest = put(store, many, latest)
            heights.append(len(store.layers.lowerdirs(latest)))
            assert store.layers.manifest(latest) == manifest_of(many)
        assert max(heights) == stacks.MOST_HIGH
        assert heights[stacks.MOST_HIGH - 1] == 2
        assert 1 in heights  # a quarter differs


def test_names_of_one_file_stay_together(store: Store) -> None:
    with store:
        files = {**MANY, "d1/a": "one", "d1/b": "one"}
        first = put(store, files, links={"d1/b": "d1/a"})
        apart = put(store, {**files, "d1/a": "other"}, first)
        assert stands_on(store, apart) == ""
        both = put(store, {**files, "d1/a": "other", "d1/b": "other"}, first, links={"d1/b": "d1/a"})
        assert stands_on(store, both) == first
        elsewhere = put(store, {**files, "d3/f3": "else"}, first, links={"d1/b": "d1/a"})
        assert stands_on(store, elsewhere) == first
        for digest in (apart, both, elsewhere):
            assert_as_described(store, digest)


def test_files_are_found_where_they_lie(store: Store) -> None:
    with store:
        first = put(store, MANY)
        files = {**MANY, "d1/f1": "else"}
        second = put(store, files, first)
        sources = sources_of(store.layers, (second,), store.layers.manifest(second).entries)
        texts = {path[len(PREFIX) + 1 :]: Path(place).read_text() for path, place in sources.items()}
        assert texts == files


def _chain(store: Store) -> tuple[str, str]:
    first = put(store, MANY)
    return first, put(store, {**MANY, "d1/f1": "else"}, first)


@pytest.mark.parametrize("loss", ["manifest", "tree", "all", "torn", "stamp"])
def test_without_what_it_stands_on_a_layer_is_not_there(store: Store, loss: str) -> None:
    with store:
        first, second = _chain(store)
    path = store.layers.path(first)
    if loss == "all":
        shutil.rmtree(path)
    elif loss == "tree":
        shutil.rmtree(os.path.join(path, "tree"))
    elif loss == "manifest":
        os.unlink(os.path.join(path, "manifest"))
    elif loss == "torn":
        os.truncate(os.path.join(path, "manifest"), 700)
    else:
        _pretend_other_boot(store.layers.manifest_path(first))
    with Store.open(store.root) as again:
        assert not again.layers.has(second)
        assert not again.layers.hold(second)
        assert again.layers.header(second) is None
        with pytest.raises(StoreError):
            again.layers.manifest(second)
    with Store.open(store.root) as again:
        assert put(again, {**MANY, "d1/f1": "else"}, put(again, MANY)) == second
        assert_as_described(again, second)


def _pretend_other_boot(path: str) -> None:
    line, _, body = Path(path).read_bytes().partition(b"\n")
    header = msgspec.json.decode(line, type=manifest_file.LayerHeader)
    old = msgspec.structs.replace(header, stamp=Stamp("another-boot", 1000))
    Path(path).write_bytes(msgspec.json.encode(old) + b"\n" + body)


def test_layers_in_a_circle_are_not_there(store: Store) -> None:
    with store:
        first, second = _chain(store)
    path = store.layers.manifest_path(first)
    content = manifest_file.encode(
        LayerManifest({}), store.durability.stamp(), 1, True, count=1, stands_on=second
    )
    Path(path).write_bytes(content)
    with Store.open(store.root) as again:
        assert not again.layers.hold(first, second)
        assert put(again, MANY) == first
        assert again.layers.hold(second)
        assert_as_described(again, second)


def test_a_layer_made_anew_another_way_still_carries_others(store: Store) -> None:
    """What stood by itself may come back standing on something else, and the other way round."""
    with store:
        first, second = _chain(store)
        third = put(store, {**MANY, "d2/f2": "third"})
        assert stands_on(store, third) == ""
    shutil.rmtree(store.layers.path(first))
    with Store.open(store.root) as again:
        assert put(again, MANY, third) == first
        assert stands_on(again, first) == third
        assert again.layers.hold(second)
        assert len(again.layers.lowerdirs(second)) == 3
        assert_as_described(again, second)


def test_collection_leaves_what_a_kept_layer_stands_on(store: Store) -> None:
    with store:
        first, second = _chain(store)
    os.utime(store.layers.manifest_path(first), (1, 1))
    _keep_by_entry(store.root, second)
    with Store.open(store.root) as again:
        garbage.collect(again, max_size=10**12)
        assert again.layers.hold(second)
    with Store.open(store.root) as again:
        garbage.collect(again, keep_days=1)
        assert again.layers.hold(second)
        assert_as_described(again, second)


def test_collection_takes_a_layer_before_what_it_stands_on(store: Store) -> None:
    with store:
        first, second = _chain(store)
    os.utime(store.layers.manifest_path(first), (1, 1))
    _keep_by_entry(store.root, first, second)
    with Store.open(store.root) as again:
        pieces = {piece.name: piece for piece in measure(again)}
        total = garbage.collect(again, dry_run=True).bytes_before
        garbage.collect(again, max_size=total - pieces[second].exclusive // 2)
        assert not again.layers.has(second)
        assert again.layers.has(first)


def test_what_is_held_holds_what_it_stands_on(store: Store) -> None:
    with store:
        _, second = _chain(store)
    with Store.open(store.root) as holder:
        holder.work_directory()
        assert holder.layers.hold(second)
        with Store.open(store.root) as other:
            garbage.collect(other, max_size=0)
        assert_as_described(holder, second)


def _keep_by_entry(root: str, *digests: str) -> None:
    with Store.open(root) as store:
        for digest in digests:
            add_entry(store, digest)


def test_sizes_count_what_a_layer_adds(store: Store) -> None:
    with store:
        first, second = _chain(store)
        pieces = {piece.name: piece for piece in measure(store)}
        assert pieces[second].exclusive < pieces[first].exclusive / 5
        assert sum(size for _, size in pieces[second].shared) <= 8192


def test_a_name_that_is_not_text_is_kept(store: Store) -> None:
    with store:
        files = {**MANY, "d1/odd\udcff": "x"}
        first = put(store, files)
        second = put(store, {**files, "d1/odd\udcff": "y", "d1/more\udcfe\n": "z"}, first)
        assert stands_on(store, second) == first
    with Store.open(store.root) as again:
        assert again.layers.manifest(second) == manifest_of(
            {**files, "d1/odd\udcff": "y", "d1/more\udcfe\n": "z"}
        )
        assert_as_described(again, second)


def test_hidden_paths_are_told(store: Store) -> None:
    """The whiteouts in the directory of a stack must not reach beyond the layer; views mend them."""
    with store:
        first = put(store, MANY)
        files = {path: text for path, text in MANY.items() if not path.startswith("d2/")}
        second = put(store, files, first)
        assert f"{PREFIX}/d2" in store.layers.hides(second)
        assert attributes.is_whiteout(os.lstat(os.path.join(store.layers.own_tree(second), PREFIX, "d2")))
        tree = dict(manifest_of(MANY).entries)
        apply_layer(tree, store.layers.manifest(second))
        assert f"{PREFIX}/d2" in tree
