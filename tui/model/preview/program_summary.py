"""What an ELF file is: machine, interpreter, libraries, sections; for a thread, and for hostile files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, cast

from engine.explain import printable
from tui.format import size_text
from tui.model.facts import Fact, Section, fact
from tui.model.preview.content import SharedContent
from tui.model.preview.content_file import ContentFile, TooMuch
from tui.model.preview.sheet import IsCancelled
from tui.model.spans import Span

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_BUDGET = 32 << 20
_MOST_SECTIONS = 200
_MOST_LIBRARIES = 200
_LONGEST = 500
_TYPES = {
    "ET_EXEC": "program",
    "ET_DYN": "shared object",
    "ET_REL": "object file",
    "ET_CORE": "core dump",
}


def program_sections(content: SharedContent, is_cancelled: IsCancelled) -> tuple[Section, ...]:
    """Facts about an ELF file; of a damaged one those that could be read, and that it is damaged.

    OSError when the file cannot be read.
    """
    from elftools.common.exceptions import ELFError  # a fifth of a second for what few files need
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    # All that the library lets through when offsets, sizes and names in a file are made up.
    damaged = (
        ELFError, ConstructError, TooMuch, struct.error, ValueError, KeyError, IndexError, TypeError,
        AttributeError, AssertionError, OverflowError, RecursionError, MemoryError, ZeroDivisionError,
        NotImplementedError,
    )  # fmt: skip
    found: list[Section] = []
    problem = ""
    file = ContentFile(content, _BUDGET, is_cancelled)
    try:
        elf = ELFFile(cast("IO[bytes]", file))
    except damaged as error:
        return (_damage(error),)
    for part in (_heading, _libraries, _sections):
        try:
            found.extend(part(elf))
        except damaged as error:
            problem = problem or _words(error)
    if problem:
        found.append(Section("", (Fact("damaged", (Span(problem, "diag-warning"),)),)))
    return tuple(section for section in found if section.facts)


def _damage(error: BaseException) -> Section:
    return Section("", (Fact("damaged", (Span(_words(error), "diag-warning"),)),))


def _words(error: BaseException) -> str:
    return printable(str(error))[:_LONGEST] or type(error).__name__


def _heading(elf: ELFFile) -> Iterator[Section]:
    header = elf.header
    interpreter = next(
        (segment.get_interp_name() for segment in _segments(elf) if segment["p_type"] == "PT_INTERP"), ""
    )
    kind = _TYPES.get(str(header["e_type"]), str(header["e_type"]))
    if header["e_type"] == "ET_DYN" and interpreter:
        kind = "program, position independent"
    order = "little-endian" if elf.little_endian else "big-endian"
    facts = [
        fact("kind", f"ELF {elf.elfclass}-bit {kind}"),
        fact("machine", f"{printable(elf.get_machine_arch())}, {order}"),
    ]
    if interpreter:
        facts.append(fact("interpreter", _name(interpreter)))
    if header["e_entry"]:
        facts.append(fact("entry point", f"{header['e_entry']:#x}"))
    build_id = _build_id(elf)
    if build_id:
        facts.append(fact("build id", build_id))
    has_symbols = elf.get_section_by_name(".symtab") is not None
    has_debug = elf.get_section_by_name(".debug_info") is not None
    words = "not stripped" if has_symbols else "stripped"
    facts.append(fact("symbols", f"{words}, with debug information" if has_debug else words))
    yield Section("", tuple(facts))


def _libraries(elf: ELFFile) -> Iterator[Section]:
    """What the dynamic linker reads: by the segment, which is there even where sections are stripped."""
    names = {"DT_NEEDED": "needs", "DT_SONAME": "name", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
    facts: list[Fact] = []
    dynamic = next((segment for segment in _segments(elf) if segment["p_type"] == "PT_DYNAMIC"), None)
    if dynamic is None:
        facts = [fact("linking", "static")] if elf.header["e_type"] == "ET_EXEC" else []
    for tag in [] if dynamic is None else dynamic.iter_tags():
        label = names.get(tag.entry.d_tag)
        if label is not None:
            attribute = {"needs": "needed", "name": "soname"}.get(label, label)
            facts.append(fact(label, _name(getattr(tag, attribute))))
        if len(facts) > _MOST_LIBRARIES:
            break
    facts.sort(key=lambda found: found.label == "needs")
    yield Section("Linking", tuple(facts))


def _sections(elf: ELFFile) -> Iterator[Section]:
    count = elf.num_sections()
    facts = []
    for index in range(min(count, _MOST_SECTIONS)):
        section = elf.get_section(index)
        if section.name:
            kind = str(section["sh_type"]).removeprefix("SHT_").lower()
            size = size_text(section["sh_size"])
            facts.append(Fact(_name(section.name), (Span(f"{size:>6}  "), Span(printable(kind), "dim-text"))))
    yield Section("Sections", tuple(facts), f"{count:,}")


def _segments(elf: ELFFile) -> Iterator:  # type: ignore[type-arg]
    for index in range(min(elf.num_segments(), _MOST_SECTIONS)):
        yield elf.get_segment(index)


def _build_id(elf: ELFFile) -> str:
    for segment in _segments(elf):
        if segment["p_type"] == "PT_NOTE" and segment["p_filesz"] < 1 << 16:
            for note in segment.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return printable(str(note["n_desc"]))[:80]
    return ""


def _name(text: str) -> str:
    return printable(text)[:_LONGEST]
