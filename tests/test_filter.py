"""Filters select what reference §8 says, example by example, and obey its laws."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.file_tree import Entry, FileTree, parents_of
from engine.filter import compile_patterns
from engine.model.errors import UserError

DIRECTORY = Entry("directory", 0o755, 0, 0)
FILE = Entry("file", 0o644, 0, 0)


def tree_of(*paths: str) -> FileTree:
    """A tree of files; a trailing slash makes a directory, a leading `@` a symlink."""
    tree: FileTree = {"": DIRECTORY}
    for path in paths:
        name = path.strip("/@")
        for parent in parents_of(name):
            tree[parent] = DIRECTORY
        if path.endswith("/"):
            tree[name] = DIRECTORY
        else:
            tree[name] = Entry("symlink", 0o777, 0, 0, target="x") if path.startswith("@") else FILE
    return tree


EXAMPLE = tree_of(
    "README.md",
    ".env",
    "app.py",
    "src/main.py",
    "src/.cfg",
    "src/lib/util.py",
    "src/data/",
    "docs/guide.md",
    "docs/img/logo.png",
    "@link",
)
SRC = {"src/main.py", "src/.cfg", "src/lib/util.py", "src/data"}
DOCS = {"docs/guide.md", "docs/img/logo.png"}
LEAVES = frozenset({"README.md", ".env", "app.py", "link"} | SRC | DOCS)


def leaves(tree: FileTree) -> set[str]:
    """What a tree holds apart from directories that only lead somewhere."""
    used = {parent for path in tree for parent in parents_of(path)}
    return {path for path in tree if path not in used and path}


@pytest.mark.parametrize(
    "entries, kept",
    [
        (["README.md"], {"README.md"}),
        (["main.py"], set()),
        (["readme.md"], set()),
        (["app.py/"], set()),
        (["**/main.py"], {"src/main.py"}),
        (["*.py"], {"app.py"}),
        (["*"], LEAVES),
        (["src"], SRC),
        (["src/"], SRC),
        (["src/**"], SRC),
        (["src/*"], SRC),
        (["src/**/*.py"], {"src/main.py", "src/lib/util.py"}),
        (["src/{main,test}.py", "[!a]*.md", "?pp.py"], {"src/main.py", "README.md", "app.py"}),
        (["!docs"], LEAVES - DOCS),
        (["!docs/**"], (LEAVES - DOCS) | {"docs"}),
        (["src", "!src/lib"], SRC - {"src/lib/util.py"}),
        (["!src/lib", "src"], SRC),
        (["!docs", "app.py"], {"app.py"}),
        (["link"], {"link"}),
        ([], set()),
        # rule 13 and the finer points
        (["./app.py"], {"app.py"}),
        (["src//lib/"], {"src/lib/util.py"}),
        (["/app.py"], {"app.py"}),
        (["!/docs"], LEAVES - DOCS),
        (["{app}.py"], {"app.py"}),
        (["{app.py,src/{main.py,lib}}"], {"app.py", "src/main.py", "src/lib/util.py"}),
        (["[^a]pp.py"], set()),
        (["."], LEAVES),
        (["**"], LEAVES),
        (["**/*"], LEAVES),
        (["**/"], SRC | DOCS),
        (["*/"], SRC | DOCS),
        (["link/"], set()),
        (["src/**/lib/**/util.py"], {"src/lib/util.py"}),
        (["src", "!src/*"], {"src"}),
        (["**", "!**/*.py"], LEAVES - {"app.py", "src/main.py", "src/lib/util.py"} | {"src/lib"}),
    ],
)
def test_the_examples_of_the_reference(entries: list[str], kept: set[str]) -> None:
    selection = compile_patterns([(entry, True) for entry in entries]).select(EXAMPLE)
    assert leaves(selection.kept) == kept
    assert selection.keyed == selection.kept


def test_an_excluded_entry_is_on_disk_but_not_in_the_cache_key() -> None:
    selection = compile_patterns([("src/lib", True), (".env", False)]).select(EXAMPLE)
    assert set(selection.kept) == {"", "src", "src/lib", "src/lib/util.py", ".env"}
    assert set(selection.keyed) == {"", "src", "src/lib", "src/lib/util.py"}


@pytest.mark.parametrize(
    "pattern, name, matches",
    [
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[a-]", "-", True),
        ("[-a]", "-", True),
        ("[a-c]x", "bx", True),
        ("[a", "[a", True),
        ("{a", "{a", True),
        ("{a,b", "{a,b", True),
        ("a}", "a}", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\{a,b\}", "{a,b}", True),
        (r"[\]]", "]", True),
        (r"[\!a]", "!", True),
        ("a[b/c]d", "a[b", False),
        ("*a*b*c", "xaybzc", True),
        ("*a*b*c", "xaybz", False),
        ("a*a", "a", False),
        ("*", "new\nline", True),
        ("?", "\udcff", True),
        ("[z-a]", "b", False),
        ("{,a}b", "b", True),
        ("a**b", "axxb", True),
        ("[[:x]", ":", True),
        ("a.c", "abc", False),
    ],
)
def test_one_segment(pattern: str, name: str, matches: bool) -> None:
    assert compile_patterns([(pattern, True)]).keeps(name, is_directory=False) is matches


@pytest.mark.parametrize("entry", ["..", "a/../b", "!..", "", "!", "!!a", "{a,b}" * 20])
def test_entries_that_are_errors_are_named(entry: str) -> None:
    with pytest.raises(UserError) as caught:
        compile_patterns([(entry, True)])
    assert f"`{entry}`" in caught.value.message


def test_a_leading_slash_is_a_warning_an_error_or_required() -> None:
    assert len(compile_patterns([("/a", True), ("b", True)]).warnings) == 1
    with pytest.raises(UserError):
        compile_patterns([("/a", True)], "error")
    with pytest.raises(UserError):
        compile_patterns([("!usr", True)], "required")
    system = compile_patterns([("/usr/local", True), ("*.log", True)], "required")
    assert system.warnings == ()
    assert system.keeps("usr/local/bin/x", is_directory=False)
    assert not system.keeps("usr/bin/x", is_directory=False)


@pytest.mark.parametrize(
    "entries, directory, is_sure",
    [
        (["src"], "src", True),
        (["src"], "src/deep", True),
        (["src/**"], "src", True),
        (["src/*.py"], "src", False),
        (["src", "!src/lib"], "src", False),
        (["src", "!src/lib"], "src/data", True),
        (["src", "!**/*.pyc"], "src", False),
        (["!docs"], "src", True),
        (["!docs"], "", False),
        (["!docs"], "docs", False),
        (["!docs/x", "docs/**"], "docs", True),
        ([], "a", False),
        (["**"], "", True),
    ],
)
def test_whether_something_below_a_directory_can_be_hidden(
    entries: list[str], directory: str, is_sure: bool
) -> None:
    assert compile_patterns([(entry, True) for entry in entries]).keeps_all_below(directory) is is_sure


names = st.sampled_from(["a", "b", "ab", ".c", "a.py"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
segments = st.sampled_from(["a", "b", "*", "**", "a*", "*b", "?", "[!a]*", "{a,b}", ".c", "*.py"])
patterns = st.builds(
    lambda negated, parts, slash: ("!" if negated else "") + "/".join(parts) + ("/" if slash else ""),
    st.booleans(),
    st.lists(segments, min_size=1, max_size=3),
    st.booleans(),
)


def safe_tree(leaf_paths: list[str]) -> FileTree:
    """A tree in which no file is also a directory."""
    tree: FileTree = {"": DIRECTORY}
    for path in leaf_paths:
        if path not in tree and not any(tree.get(p, DIRECTORY) is FILE for p in parents_of(path)):
            tree.update(dict.fromkeys(parents_of(path), DIRECTORY))
            tree[path] = FILE
    return tree


@given(st.lists(patterns, max_size=4), st.lists(paths, max_size=12))
def test_selecting_a_tree_and_asking_path_by_path_agree(entries: list[str], leaf_paths: list[str]) -> None:
    tree = safe_tree(leaf_paths)
    compiled = compile_patterns([(entry, True) for entry in entries])
    kept = compiled.select(tree).kept
    asked = {path for path in tree if compiled.keeps(path, tree[path].kind == "directory")}
    assert kept.keys() == asked | {""} | {parent for path in asked for parent in parents_of(path)}


@given(st.lists(patterns, max_size=4), st.lists(paths, max_size=12))
def test_what_is_surely_kept_is_kept(entries: list[str], leaf_paths: list[str]) -> None:
    tree = safe_tree(leaf_paths)
    compiled = compile_patterns([(entry, True) for entry in entries])
    kept = compiled.select(tree).kept
    for directory in [path for path in tree if tree[path].kind == "directory"]:
        if compiled.keeps_all_below(directory):
            prefix = directory + "/" if directory else ""
            assert all(path in kept for path in tree if path.startswith(prefix))


@given(st.lists(st.tuples(patterns, st.booleans()), max_size=4), st.lists(paths, max_size=12))
def test_a_directory_of_a_tree_is_selected_as_if_it_were_alone(
    entries: list[tuple[str, bool]], leaf_paths: list[str]
) -> None:
    tree = safe_tree(leaf_paths)
    compiled = compile_patterns(entries)
    around = safe_tree(["w-", "w/v-", "w/v-/a", "w/v0", "w0/v/a"])
    larger = {**around, **{f"w/v/{path}".rstrip("/"): entry for path, entry in tree.items()}}
    assert compiled.select_below(larger, sorted(larger), "w/v") == compiled.select(tree)


@given(st.lists(patterns, max_size=4), st.lists(paths, max_size=12))
def test_a_selection_selected_again_is_the_same(entries: list[str], leaf_paths: list[str]) -> None:
    compiled = compile_patterns([(entry, True) for entry in entries])
    kept = compiled.select(safe_tree(leaf_paths)).kept
    selected = {path: entry for path, entry in compiled.select(kept).kept.items() if entry is FILE}
    assert selected == {path: entry for path, entry in kept.items() if entry is FILE}


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "**/a/" * 40 + "b", "[ab]*" * 30 + "c", "{" * 4000])
def test_no_pattern_is_slow(pattern: str) -> None:
    tree = tree_of("a" * 250, "a/" * 60 + "a")
    began = time.perf_counter()
    compile_patterns([(pattern, True)]).select(tree)
    assert time.perf_counter() - began < 2
