"""`outcrop inspect`: what the layers of a task or of an image file hold and waste."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.commands.past_runs import add_run_option, open_store, task_named
from engine.images.archive.image_file import FORMS, image_words
from engine.model.errors import UsageError, UserError
from engine.progress.glyphs import Glyphs
from engine.store.store import Store
from engine.terminal.console import Console
from engine.terminal.units import size_text

if TYPE_CHECKING:  # what reads images and reports would keep the interface, which needs neither, waiting
    from engine.commands.inspect_report import Inspected
    from engine.images.registration import Progress

_SECONDS_BETWEEN = 0.1
BELOW = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument(
        "what",
        metavar="FILE|TASK",
        help="an OCI directory, an OCI archive or what `docker save` writes, with `:TAG` where it has several"
        " images, and `oci:`, `oci-archive:` or `docker-archive:` before it where it could be two of these;"
        " or a task, also TASK@RUN",
    )
    add_run_option(parser)
    parser.add_argument(
        "--platform", metavar="OS/ARCH", help="of an image for several, such as `linux/arm64`"
    )
    parser.add_argument("--json", action="store_true", help="one object")
    parser.add_argument(
        "--fail-below",
        type=_score,
        metavar="SCORE",
        help="exit code 1 when the efficiency is lower, such as 0.95",
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write the report; 1 when the efficiency is below what was asked for."""
    from engine.commands.inspect_report import report, report_object

    with open_store(console) as store, _writable_for(options, store) as place:
        inspected = _inspected(options, place, console)
    if options.json:
        from engine.commands.json_output import write_object  # costs the import of json

        write_object(console, report_object(inspected))
    else:
        glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
        for line in report(inspected, glyphs, console.columns() if console.is_terminal else 0):
            console.line(line)
    if options.fail_below is not None and inspected.waste.score < options.fail_below:
        console.flush()
        wanted = f"{options.fail_below:.4g}"
        console.error(f"error: the efficiency {inspected.waste.score:.4f} is below {wanted}")
        return BELOW
    return 0


def place_of(options: argparse.Namespace, store: Store, console: Console) -> str:
    """The place, as `engine.api.file_messages` writes it, that FILE or TASK means; an image is read first.

    UsageError when there is none, UserError for what is no image, MachineError when the store is read-only
    and the image was not read before.
    """
    if is_file(options.what):
        from engine.images.registration import register

        with _progress_line(console) as progress:
            try:
                return f"image:{register(options.what, store.root, progress, options.platform)}"
            except UserError as error:
                if error.hint is None and "/" not in options.what:
                    hint = f"a task of this name is written `{options.what}@latest`"
                    raise UserError(error.message, hint) from error
                raise
    past, task = task_named(store, options.what, options.run)
    return f"task:{past.run}/{task.description.task}"


def is_file(word: str) -> bool:
    """Whether FILE is meant: it is there, says its form, or is a path. A directory that is no OCI layout
    may well be called as a task is."""
    if word.startswith(tuple(f"{form}:" for form in FORMS)):
        return True
    try:
        path = image_words(word).path
    except UsageError:
        return "/" in word or word.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci"))
    return "/" in word or not os.path.isdir(path) or os.path.exists(os.path.join(path, "index.json"))


def _score(text: str) -> float:
    """A number from 0 to 1, or a percentage."""
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no score: it is from 0 to 1, such as 0.95")
    return number


@contextmanager
def _writable_for(options: argparse.Namespace, store: Store) -> Iterator[Store]:
    """The store; for an image and a store that is only read, one in a folder that is removed afterwards."""
    if not store.read_only or not is_file(options.what):
        yield store
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="outcrop-inspect-") as folder, Store.open(folder) as other:
        yield other


def _inspected(options: argparse.Namespace, store: Store, console: Console) -> Inspected:
    from engine.commands.inspect_report import Inspected
    from engine.images.inspected import InspectedImage
    from engine.inspection.image_place import image_place
    from engine.inspection.task_place import task_place
    from engine.inspection.waste import waste_of

    place = place_of(options, store, console)
    kind, _, word = place.partition(":")
    if kind == "image":
        opened = InspectedImage.open(store.root, word)
        found = image_place(store, place, word)
        return Inspected(
            place=place,
            title=opened.title,
            form=opened.record.form,
            platform=opened.record.platform,
            layers=found.layers,
            sizes=tuple((index.bytes, index.entries) for index in opened.layers),
            waste=waste_of(found.layers, opened.layers, opened.efficiency),
        )
    past, task = task_named(store, options.what, options.run)
    kept = task_place(past, task)
    indexes = [store.layers.index(layer.digest) for layer in kept.layers]
    return Inspected(
        place=place,
        title=kept.title,
        form="task",
        layers=kept.layers,
        sizes=tuple((index.bytes, index.entries) for index in indexes),
        waste=waste_of(kept.layers, indexes, None, kept.workspace),
        notices=kept.notices,
    )


@contextmanager
def _progress_line(console: Console) -> Iterator[Progress | None]:
    """Says on a terminal how much of a file has been read; nothing of it stays."""
    if not (os.isatty(console.errors) and console.environment.get("TERM", "dumb") != "dumb"):
        yield None
        return
    due = time.monotonic() + _SECONDS_BETWEEN
    is_shown = False

    def tell(done: int, total: int) -> None:
        nonlocal due, is_shown
        now = time.monotonic()
        if now >= due:
            due, is_shown = now + _SECONDS_BETWEEN, True
            sys.stderr.write(f"\r\x1b[Kreading {size_text(done)} of {size_text(max(done, total))}")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
