"""What is known of a path besides its content, as facts: also of links, directories, devices."""

from __future__ import annotations

import time

from engine.api.file_messages import ChangeCounts, FileDetails, FilePage, FileRow
from engine.explain import printable
from tui.format import Glyphs, size_text
from tui.model.facts import Fact, Section, fact
from tui.model.spans import Row, Span

CHANGE_WORDS = {
    "added": ("+", "added", "fs-added"),
    "changed": ("~", "changed", "fs-modified"),
    "removed": ("-", "removed", "fs-removed"),
    "metadata": ("%", "owner or permissions changed", "fs-metadata"),
}
_KIND_WORDS = {
    "file": "file",
    "directory": "directory",
    "symlink": "symbolic link",
    "fifo": "named pipe",
    "character": "character device",
    "block": "block device",
}
_LETTERS = {"file": "-", "directory": "d", "symlink": "l", "fifo": "p", "character": "c", "block": "b"}
_MOST_LISTED = 12


def info_sections(
    details: FileDetails, glyphs: Glyphs, listing: FilePage | None = None
) -> tuple[Section, ...]:
    """All facts about a path; `listing`: of a directory, its entries with the biggest first."""
    row = details.row or details.before
    if row is None:
        return (Section("", (fact("", "there is nothing here", "dim-text"),)),)
    sections = [Section("", tuple(_main_facts(details, row, glyphs)))]
    changed = _changes(details, glyphs)
    if changed:
        sections.append(Section("Changed", tuple(changed)))
    if row.kind == "directory":
        sections += _directory_sections(row, glyphs, listing)
    if details.xattrs:
        named = tuple(fact(printable(name), printable(value)) for name, value in details.xattrs)
        sections.append(Section("Extended attributes", named))
    if details.links:
        others = tuple(fact("", printable(path)) for path in details.links)
        sections.append(Section("Other names of the same file", others))
    return tuple(sections)


def mode_text(row: FileRow) -> str:
    """`-rwxr-xr-x 0755`."""
    letters = _LETTERS.get(row.kind, "?")
    for shift, special, mark in ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")):
        bits = row.mode >> shift
        letters += ("r" if bits & 4 else "-") + ("w" if bits & 2 else "-")
        execute = "x" if bits & 1 else "-"
        letters += (mark if bits & 1 else mark.upper()) if row.mode & special else execute
    return f"{letters} {row.mode:04o}"


def counts_row(counts: ChangeCounts, glyphs: Glyphs) -> Row:
    """`+3 ~1 −2`, each in its colour; empty when nothing changed."""
    found: list[Span] = []
    for change, count in zip(
        CHANGE_WORDS, (counts.added, counts.changed, counts.removed, counts.metadata), strict=True
    ):
        if count:
            _, _, role = CHANGE_WORDS[change]
            glyph = change_glyph(change, glyphs)
            found.append(Span(f"{' ' if found else ''}{glyph}{count:,}", role))
    return tuple(found)


def change_glyph(change: str, glyphs: Glyphs) -> str:
    """`+`, `~`, `−`, `%`."""
    glyph = CHANGE_WORDS[change][0]
    return "−" if glyph == "-" and glyphs.is_unicode else glyph


def link_row(details: FileDetails, row: FileRow, glyphs: Glyphs) -> Row:
    """Where a symbolic link leads: `→ usr/bin/python3.11`, or that it is dead."""
    arrow = "→ " if glyphs.is_unicode else "-> "
    if details.resolved is None:
        return (Span(printable(row.target)), Span(" leads nowhere", "diag-warning"))
    return (Span(printable(row.target)), Span(f" {arrow}/{printable(details.resolved)}", "dim-text"))


def _main_facts(details: FileDetails, row: FileRow, glyphs: Glyphs) -> list[Fact]:
    found = [fact("path", "/" + printable(details.path)), fact("kind", _KIND_WORDS.get(row.kind, row.kind))]
    if row.kind == "symlink":
        found.append(Fact("target", link_row(details, row, glyphs), row.target))
    if row.kind in ("file", "directory"):
        found.append(fact("size", exact_size(row.bytes)))
    found.append(fact("permissions", mode_text(row)))
    found.append(fact("owner", f"{row.uid}:{row.gid}"))
    if row.mtime:
        found.append(fact("modified", _time_text(row.mtime)))
    if row.change is not None:
        _, word, role = CHANGE_WORDS[row.change]
        found.append(Fact("change", (Span(f"{change_glyph(row.change, glyphs)} {word}", role),)))
    if details.layer_name:
        found.append(fact("written by", printable(details.layer_name)))
    if details.digest:
        found.append(fact("sha256", details.digest))
    return found


def exact_size(size: int) -> str:
    """`812 bytes`, `1.2M (1,258,291 bytes)`."""
    exact = f"{size:,} byte{'' if size == 1 else 's'}"
    return exact if size < 1024 else f"{size_text(size)} ({exact})"


def _changes(details: FileDetails, glyphs: Glyphs) -> list[Fact]:
    """What differs from the state before, each as it was and as it is."""
    before, after = details.before, details.row
    if before is None or after is None or after.change in ("added", "removed", None):
        return []
    arrow = " → " if glyphs.is_unicode else " -> "
    pairs = (
        ("kind", _KIND_WORDS.get(before.kind, before.kind), _KIND_WORDS.get(after.kind, after.kind)),
        ("permissions", mode_text(before), mode_text(after)),
        ("owner", f"{before.uid}:{before.gid}", f"{after.uid}:{after.gid}"),
        ("size", exact_size(before.bytes), exact_size(after.bytes)),
        ("target", printable(before.target), printable(after.target)),
        ("sha256", details.before_digest, details.digest),
    )
    return [
        Fact(
            label,
            (Span(old or "none", "fs-removed"), Span(arrow, "dim-text"), Span(new or "none", "fs-added")),
        )
        for label, old, new in pairs
        if old != new
    ]


def _directory_sections(row: FileRow, glyphs: Glyphs, listing: FilePage | None) -> list[Section]:
    facts = [fact("entries", f"{row.children:,}")]
    changes = counts_row(row.counts, glyphs)
    facts.append(Fact("changes below", changes or (Span("none", "dim-text"),)))
    sections = [Section("Directory", tuple(facts))]
    if listing is not None and listing.rows:
        biggest = sorted(listing.rows, key=lambda found: -found.bytes)[:_MOST_LISTED]
        rows = tuple(_listed(found, glyphs) for found in biggest)
        sections.append(
            Section("Biggest", rows, f"of {listing.total:,}" if listing.total > len(rows) else "")
        )
    return sections


def _listed(row: FileRow, glyphs: Glyphs) -> Fact:
    name = printable(row.name) + ("/" if row.kind == "directory" else "")
    role = CHANGE_WORDS[row.change][2] if row.change is not None else ""
    counts = counts_row(row.counts, glyphs)
    gap = (Span("  "),) if counts else ()
    return Fact(size_text(row.bytes), (Span(name, role), *gap, *counts))


def _time_text(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
