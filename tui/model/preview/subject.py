"""What is looked at: a path of a state, the bytes there, and those of the state before; for threads."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.api.file_messages import FileDetails
from tui.model.preview.content import Content, SharedContent
from tui.model.preview.encodings import Encoding, encoding_of
from tui.model.preview.kinds import HEAD, Kind, kind_of

Mode = Literal["diff", "file", "hex", "info"]
MODES: tuple[Mode, ...] = ("diff", "file", "hex", "info")


class Version(msgspec.Struct, frozen=True):
    """One of the two contents, and what its first bytes say."""

    content: SharedContent
    size: int
    kind: Kind
    encoding: Encoding | None = None


class Subject:
    """`details` None: nothing is looked at. It closes the contents that it was given."""

    def __init__(self, details: FileDetails | None, after: Content | None, before: Content | None) -> None:
        self.details = details
        self.after = None if after is None else SharedContent(after)
        self.before = None if before is None else SharedContent(before)

    def is_same(self, other: Subject) -> bool:
        """Whether there is nothing else to see: the same facts, and the same contents by their digests."""
        details = self.details
        if details is None or details != other.details:
            return False
        has_contents = [(it.after is None, it.before is None) for it in (self, other)]
        is_known = (self.after is None or details.digest) and (self.before is None or details.before_digest)
        return bool(is_known) and has_contents[0] == has_contents[1]

    def close(self) -> None:
        """Let go of the contents, also under threads that read them."""
        for content in (self.after, self.before):
            if content is not None:
                content.close()


class Versions(msgspec.Struct, frozen=True):
    """The contents as they were found: after, before, or none where there is no file."""

    after: Version | None = None
    before: Version | None = None

    @property
    def shown(self) -> Version | None:
        """What there is to see: what is, else what was."""
        return self.after or self.before

    @property
    def is_changed(self) -> bool:
        """Whether there are two that may differ."""
        return self.after is not None and self.before is not None


def versions_of(subject: Subject) -> Versions:
    """Read the beginning of both. OSError when that fails."""
    return Versions(_version(subject.after), _version(subject.before))


def modes_of(subject: Subject, versions: Versions | None) -> tuple[Mode, ...]:
    """What can be looked at; `versions` None: they have not been read yet."""
    row = None if subject.details is None else subject.details.row
    if row is not None and row.kind != "file":  # though it may have been one
        return ("info",)
    if versions is None or versions.shown is None or not versions.shown.size:
        found: tuple[Mode, ...] = ("info",)
        return ("diff", *found) if versions is not None and has_diff(subject, versions) else found
    modes: list[Mode] = ["hex", "info"]
    if versions.shown.kind not in ("binary", "empty"):
        modes.insert(0, "file")
    if has_diff(subject, versions):
        modes.insert(0, "diff")
    return tuple(modes)


def first_mode(subject: Subject, modes: tuple[Mode, ...], wanted: Mode | None) -> Mode:
    """The mode to begin with: what was chosen last, else what says most about the change."""
    if wanted in modes:
        return wanted
    row = None if subject.details is None else subject.details.row
    return "info" if row is not None and row.change == "metadata" else modes[0]


def has_diff(subject: Subject, versions: Versions) -> bool:
    """Whether there are two contents whose difference can be shown, but for their bytes."""
    after, before = versions.after, versions.before
    if after is None or before is None or not has_changed(subject):
        return False
    kinds = {after.kind, before.kind}
    return kinds <= {"text", "empty"} or kinds in ({"picture"}, {"program"}, {"archive"})


def has_changed(subject: Subject) -> bool:
    """Whether the content is another one than it was, as far as is known."""
    details = subject.details
    if details is None or details.row is None or details.before is None:
        return False
    if details.digest and details.before_digest:
        return details.digest != details.before_digest
    return details.row.change == "changed"


def _version(content: SharedContent | None) -> Version | None:
    if content is None:
        return None
    head = content.read(0, HEAD)
    kind = kind_of(head)
    return Version(content, content.size(), kind, encoding_of(head) if kind == "text" else None)
