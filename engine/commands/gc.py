"""`outcrop gc`: collect garbage in the store."""

from __future__ import annotations

import argparse
import os

from engine.commands.past_runs import open_store
from engine.model.errors import UsageError
from engine.store import garbage
from engine.store.garbage import Collection
from engine.terminal.console import Console
from engine.terminal.units import size_of, size_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument(
        "--max-size", metavar="SIZE", help="what the store may take afterwards, such as `10gb`"
    )
    parser.add_argument("--keep-days", type=float, metavar="N", help="remove what was not used for N days")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--json", action="store_true", help="one object")


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when the cap holds, 1 when what must stay is larger."""
    if options.keep_days is not None and not options.keep_days >= 0:
        raise UsageError("`--keep-days` must not be negative")
    max_size = None if options.max_size is None else size_of(options.max_size)
    with open_store(console) as store:
        store.require_writable()
        if os.geteuid() == 0:
            done = garbage.collect(store, max_size, options.keep_days, options.dry_run)
        else:
            from engine.sandbox import namespace  # layers belong to ids that only it may touch

            entered = namespace.enter(store.root)
            try:
                entered.janitor.remove_directory(store.work_directory().path)
                done = garbage.collect(store, max_size, options.keep_days, options.dry_run)
            finally:
                store.close()
                entered.janitor.close()
    _write(done, options, console)
    return 1 if done.missing else 0


def _write(done: Collection, options: argparse.Namespace, console: Console) -> None:
    if options.json:
        import msgspec  # with json: only for programs

        from engine.commands.json_output import write_object

        write_object(console, msgspec.structs.asdict(done))
        return
    verb = "would remove" if done.is_dry_run else "removed"
    what = ", ".join(f"{count} {kind}" for kind, count in done.removed.items()) or "nothing"
    freed = size_text(max(0, done.bytes_before - done.bytes_after))
    console.line(f"{verb} {what}: {freed} freed, {size_text(done.bytes_after)} left")
    if done.missing:
        console.error(
            f"warning: {size_text(done.missing)} more than `{options.max_size}`: "
            f"{size_text(done.needed)} are needed by running builds and the last run of each definition"
        )
