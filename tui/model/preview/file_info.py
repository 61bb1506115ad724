"""What is known of a path besides its content, as facts: also of links, directories, devices."""

from __future__ import annotations

import time

from engine.api.file_messages import FileDetails, FilePage, FileRow
from engine.explain import printable
from engine.layer_files.names import from_wire
from tui.format import Glyphs, change_glyph, change_role, mode_text, size_text
from tui.model.facts import Fact, Section, fact
from tui.model.file_row_cells import counts_spans
from tui.model.spans import Row, Span

CHANGE_WORDS = {
    "added": "added",
    "changed": "changed",
    "removed": "removed",
    "metadata": "owner or permissions changed",
}
_KIND_WORDS = {
    "file": "file",
    "directory": "directory",
    "symlink": "symbolic link",
    "fifo": "named pipe",
    "character": "character device",
    "block": "block device",
}
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
        others = tuple(fact("", shown_name(path)) for path in details.links)
        sections.append(Section("Other names of the same file", others))
    return tuple(sections)


def shown_name(wire: str) -> str:
    """A path or name as it came over the wire, without a character that a terminal would act upon."""
    return printable(from_wire(wire))


def change_of(details: FileDetails) -> str | None:
    """What happened to a path; None: nothing, as far as is known."""
    if details.row is not None:
        return details.row.change
    return None if details.before is None else "removed"


def change_span(change: str, glyphs: Glyphs) -> Span:
    """`~ changed`."""
    glyph = change_glyph(change, is_unicode=glyphs.is_unicode)
    return Span(f"{glyph} {CHANGE_WORDS[change]}", change_role(change))


def permissions_text(row: FileRow) -> str:
    """`-rwxr-xr-x 0755`."""
    return f"{mode_text(row.kind, row.mode)} {row.mode:04o}"


def link_row(details: FileDetails, row: FileRow, glyphs: Glyphs) -> Row:
    """Where a symbolic link leads: `→ usr/bin/python3.11`, or that it is dead."""
    arrow = "→ " if glyphs.is_unicode else "-> "
    if details.resolved is None:
        return (Span(shown_name(row.target)), Span(" leads nowhere", "diag-warning"))
    return (Span(shown_name(row.target)), Span(f" {arrow}/{shown_name(details.resolved)}", "dim-text"))


def _main_facts(details: FileDetails, row: FileRow, glyphs: Glyphs) -> list[Fact]:
    found = [fact("path", "/" + shown_name(details.path)), fact("kind", _KIND_WORDS.get(row.kind, row.kind))]
    if row.kind == "symlink":
        found.append(Fact("target", link_row(details, row, glyphs), row.target))
    if row.kind in ("file", "directory"):
        found.append(fact("size", exact_size(row.bytes)))
    found.append(fact("permissions", permissions_text(row)))
    found.append(fact("owner", f"{row.uid}:{row.gid}"))
    if row.mtime:
        found.append(fact("modified", _time_text(row.mtime)))
    change = change_of(details)
    if change is not None:
        found.append(Fact("change", (change_span(change, glyphs),)))
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
        ("permissions", permissions_text(before), permissions_text(after)),
        ("owner", f"{before.uid}:{before.gid}", f"{after.uid}:{after.gid}"),
        ("size", exact_size(before.bytes), exact_size(after.bytes)),
        ("target", shown_name(before.target), shown_name(after.target)),
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
    changes = counts_spans(row.counts, glyphs)
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
    name = shown_name(row.name) + ("/" if row.kind == "directory" else "")
    role = change_role(row.change)
    counts = counts_spans(row.counts, glyphs)
    gap = (Span("  "),) if counts else ()
    return Fact(size_text(row.bytes), (Span(name, role), *gap, *counts))


def _time_text(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
