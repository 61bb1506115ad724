"""What is decided by the filter over the changed paths is what the digest of everything says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.execution.affected import _is_hidden as is_hidden
from engine.file_tree import Entry, LayerManifest, merge, tree_digest, workspace_tree
from engine.filter import compile_patterns
from engine.store.layer_difference import difference

_NAMES = st.sampled_from(["a", "b", "c"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_PATTERNS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b/", "a/b", "**/c", "a/*", "!a/b", "!b", "*", "!**/c", "c/**", "a/b/c"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
_CONTENT = st.sampled_from(
    [("file", 0o644, "x"), ("file", 0o755, "x"), ("file", 0o644, "y"), ("directory", 0o755, "")]
)


def _layer(files: dict[str, tuple[str, int, str]]) -> LayerManifest:
    """Directories above everything; a file has nothing below it."""
    entries: dict[str, Entry] = {}
    for path, (kind, mode, digest) in sorted(files.items()):
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        if any(
            entries.get(f"w/{parent}", Entry("directory", 0, 0, 0)).kind != "directory" for parent in above
        ):
            continue
        for parent in above:
            entries.setdefault(f"w/{parent}", Entry("directory", 0o755, 0, 0))
        entries[f"w/{path}"] = Entry(kind, mode, 0, 0, digest=digest)
    passed = {"": Entry("directory", 0o755, 0, 0), "w": Entry("directory", 0o755, 0, 0)}
    return LayerManifest(entries=dict(sorted(entries.items())), passed=passed)


@given(
    st.dictionaries(_PATHS, _CONTENT, max_size=6), st.dictionaries(_PATHS, _CONTENT, max_size=6), _PATTERNS
)
def test_what_is_hidden_changes_no_digest(
    before: dict[str, tuple[str, int, str]],
    after: dict[str, tuple[str, int, str]],
    patterns: list[tuple[str, bool]],
) -> None:
    one, other = _layer(before), _layer(after)
    found = difference(one, other)
    if found is None:  # when in doubt, everything is looked at
        return
    selected = compile_patterns(patterns)
    keyed = [tree_digest(selected.select(workspace_tree(merge([it]), "w")).keyed) for it in (one, other)]
    if is_hidden(found, "w", selected):
        assert keyed[0] == keyed[1]
    if one.entries == other.entries:
        assert not found.contents and not found.structure
