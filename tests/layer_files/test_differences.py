"""What the trees of random stacks seldom have: many changes in one directory, large layers, odd names."""

from __future__ import annotations

import msgspec
import pytest

from engine.file_tree import DIRECTORY, Entry, LayerManifest, ancestors, merge
from engine.layer_files.differences import differences
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.search import NameMatch
from engine.layer_files.stack import Stack
from engine.layer_files.view import View
from engine.past import file_changes
from tests.layer_files.layers import DIRECTORY_ENTRY, large_manifest

FILE = Entry("file", 0o644, 0, 0, 3, "ab" * 32)


def layer(entries: dict[str, Entry], *deleted: str) -> LayerManifest:
    passed = (ancestors([*entries, *deleted]) | {""}) - entries.keys()
    return LayerManifest(
        {path: entries[path] for path in sorted(entries)},
        deleted,
        dict.fromkeys(sorted(passed), DIRECTORY_ENTRY),
    )


def changes_of(one: list[LayerManifest], other: list[LayerManifest]) -> dict[str, str]:
    """What differs, by the indexes; proved against the trees."""
    before, after = (Stack([LayerIndex.of(each) for each in layers]).state() for layers in (one, other))
    found = {item.path: item.change for item in differences(before, after)}
    wanted = {item.path: str(item.change) for item in file_changes.differences(merge(one), merge(other))}
    wanted.pop("", None)  # the root is in no list
    assert found == wanted
    return found


def test_a_link_that_leads_elsewhere_shows_beside_a_file_with_a_new_attribute() -> None:
    link = Entry("symlink", 0o777, 0, 0, target="a")
    one = layer({"link": link, "file": FILE})
    other = layer(
        {
            "link": msgspec.structs.replace(link, target="b"),
            "file": msgspec.structs.replace(FILE, xattrs=(("user.a", b"1"),)),
        }
    )
    assert changes_of([one], [other]) == {"file": "metadata", "link": "changed"}


@pytest.mark.parametrize(
    "changed, word",
    [
        ({"mode": 0o600}, "metadata"),
        ({"uid": 4}, "metadata"),
        ({"gid": 4}, "metadata"),
        ({"size": 4}, "changed"),
        ({"digest": "cd" * 32}, "changed"),
        ({"digest": "odd"}, "changed"),
        ({"kind": "fifo", "size": 0, "digest": ""}, "changed"),
        ({"mtime_ns": 5}, None),
    ],
)
def test_each_attribute_of_one_file_among_many(changed: dict[str, object], word: str | None) -> None:
    entries = {f"d/{number:03}": FILE for number in range(200)}
    one = layer(entries)
    other = layer({**entries, "d/077": msgspec.structs.replace(FILE, **changed)})
    more = layer({"e": FILE})
    wanted = {} if word is None else {"d/077": word}
    assert changes_of([one], [other]) == wanted
    assert changes_of([one, more], [other, more]) == wanted


def test_an_owner_given_to_everything_changes_everything() -> None:
    manifest = large_manifest(3000)
    owned = {path: msgspec.structs.replace(entry, uid=7) for path, entry in manifest.entries.items()}
    files_only = {path: entry for path, entry in owned.items() if entry.kind != DIRECTORY}
    assert len(changes_of([manifest], [manifest, layer(owned)])) == 2999
    assert changes_of([manifest], [manifest, layer(files_only)]) == dict.fromkeys(
        sorted(files_only), "metadata"
    )


def test_a_deep_tree_needs_no_deep_stack() -> None:
    deep = "/".join(["d"] * 1100)  # Python itself stops at 1,000
    one = layer({f"{deep}/file": FILE})
    other = LayerManifest(one.entries, (), one.passed, {}, tuple(one.passed)[1:])
    state = Stack([LayerIndex.of(one), LayerIndex.of(other)]).state()
    assert state.entry(f"{deep}/file") == FILE
    assert [place.path for place in View(state, state, names=NameMatch("file")).walk()] == [f"{deep}/file"]
    assert changes_of([one], [one, layer({}, f"{deep}/file")]) == {f"{deep}/file": "removed"}


def test_a_page_far_into_a_large_directory_sorted_by_size() -> None:
    entries = {
        f"d/{number:05}": msgspec.structs.replace(FILE, size=number * 7919 % 30011)
        for number in range(20_000)
    }
    state = Stack([LayerIndex.of(layer(entries))]).state()
    view = View(state, state, order="size", descending=True)
    page = view.page("d", 15_000, 100)
    sizes = sorted((entry.size for entry in entries.values()), reverse=True)
    assert [row.bytes for row in page.rows] == sizes[15_000:15_100]
    around = view.page("d", limit=100, around="00100")
    assert around.offset % 100 == 0
    assert "00100" in [row.name for row in around.rows]


def test_no_name_makes_two_of_one_or_one_of_two() -> None:
    names = ["a", "a\nb", "\x1b[31m", "\udcff", "\udcc3\udc28", "é", "‮x", "a b", "a\tb"]
    state = Stack([LayerIndex.of(layer(dict.fromkeys(names, FILE)))]).state()
    assert [name for name, _ in state.children("")] == sorted(names)
    assert all(state.entry(name) == FILE for name in names)
    for missing in ("a\0a", "b", "\0", "", "a/b", "/", "a/", "\udcc3"):
        assert state.entry(missing) is None or missing == ""


@pytest.mark.parametrize("pattern", ["(", "a{2", "*"])
def test_what_is_no_expression_says_so(pattern: str) -> None:
    if pattern == "a{2":
        assert NameMatch(pattern, is_regex=True).matches("a{2")
        return
    with pytest.raises(ValueError, match="no regular expression"):
        NameMatch(pattern, is_regex=True)


def test_hard_links_know_each_other() -> None:
    manifest = layer(dict.fromkeys(("one", "two", "three", "other"), FILE))
    index = LayerIndex.of(msgspec.structs.replace(manifest, links={"two": "one", "three": "one"}))
    assert index.links_of("two") == ("one", "three")
    assert index.links_of("one") == ("three", "two")
    assert index.links_of("other") == ()
    assert index.manifest().links == {"three": "one", "two": "one"}
