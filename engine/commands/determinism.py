"""`outcrop run --check-determinism TASK`: execute a task twice and tell what differs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import msgspec

from engine.inspection.determinism import Execution, Twice, Verdict, compare
from engine.model.errors import UsageError
from engine.model.request import RunRequest
from engine.past.past_run import PastRun
from engine.progress.glyphs import Glyphs
from engine.progress.sentences import skipped_words
from engine.store.store import Store
from engine.terminal.console import Console

_SHOWN = 50
_HEARD = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD))

Run = Callable[[RunRequest, Callable[[str], None]], int]


class Report(msgspec.Struct, frozen=True, kw_only=True, tag="determinism", tag_field="type"):
    """The last line with `--progress json`, after the events of both runs."""

    task: str
    same: bool
    runs: tuple[str, str]
    exit_codes: tuple[int | None, int | None]
    differences: tuple[Twice, ...]


def check(request: RunRequest, task: str, run: Run, console: Console, progress: str) -> int:
    """0 when both executions gave the same, 1 when they did not or there were none.

    `run` makes one run of a request and tells its id. It is called in a process of its own, as a run
    enters its namespaces for good, and its exit code ends that. `progress`: as on the command line.
    """
    if request.targets:
        raise UsageError("`--check-determinism` names its task itself", "leave `--target` out")
    request = msgspec.structs.replace(request, targets=(task,), uncached=(task,))
    is_json = progress == "json"
    runs = []
    for number in ("first", "second"):
        if progress not in ("json", "quiet"):
            console.line(f"{number} execution of {task}:")
        console.flush()
        is_child, run_id, code = _apart(request, run)
        if is_child or code not in (0, 1) or not run_id:
            return code
        runs.append(run_id)
    store = Store.open(console.environment.get("OUTCROP_HOME"))
    executions = [_execution(store, word, task) for word in runs]
    if executions[0] is None or executions[1] is None:
        console.error(f"`{task}` was not executed twice, so there is nothing to compare")
        return 1
    verdict = compare(store, executions[0], executions[1])
    if is_json:
        report = Report(same=not verdict.differences, **msgspec.structs.asdict(verdict))
        console.line(msgspec.json.encode(report).decode())
    else:
        for line in _lines(verdict, console):
            console.line(line)
    return 1 if verdict.differences else 0


def _apart(request: RunRequest, run: Run) -> tuple[bool, str, int]:
    """(whether this is the process of the run, the run's id, its exit code)."""
    ours, theirs = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    process = os.fork()
    if process == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(ours)
        return True, "", run(request, lambda name: _tell(theirs, name))
    os.close(theirs)
    code, interrupted_by = _waited_for(process)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with os.fdopen(ours, "rb") as pipe:
        name = pipe.read().decode()
    if interrupted_by is not None:
        signal.raise_signal(interrupted_by)
    return False, name, code


def _tell(pipe: int, name: str) -> None:
    os.write(pipe, name.encode())
    os.close(pipe)


def _waited_for(process: int) -> tuple[int, int | None]:
    """(exit code, the signal that was to end this program). The run hears it too: it is waited for.

    What comes from the terminal has reached it already.
    """
    interrupted_by: int | None = None
    while True:
        heard = signal.sigwaitinfo(_HEARD)
        if heard.si_signo != signal.SIGCHLD:
            interrupted_by = heard.si_signo
            if heard.si_code <= 0:  # sent by a process
                os.kill(process, heard.si_signo)
            continue
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return (code if code >= 0 else 128 - code), interrupted_by


def _execution(store: Store, run: str, task: str) -> Execution | None:
    directory = store.runs.directory(run)
    past = PastRun(store, directory)
    state = past.task(task)
    if state.description.kind != "command":
        raise UsageError(f"task `{task}` has no script, so it can't be executed twice")
    kept = past.kept(task)
    if kept is None or not kept.has_ended or state.cause != "executed":
        if state.skipped:
            raise UsageError(f"task `{task}` was {skipped_words(state.because_of, past.state.tasks)}")
        return None
    return Execution(run=run, exit_code=state.exit_code, kept=kept)


def _lines(verdict: Verdict, console: Console) -> Iterator[str]:
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    count = len(verdict.differences)
    if not count:
        failed = f", both times with exit {verdict.exit_codes[0]}" if verdict.exit_codes[0] else ""
        yield f"{verdict.task} {glyphs.glyph('ok')} deterministic: two executions gave the same{failed}"
        return
    plural = "s" if count > 1 else ""
    yield f"{verdict.task} {glyphs.glyph('failed')} not deterministic: {count} difference{plural}"
    for found in verdict.differences[:_SHOWN]:
        yield from _difference(found)
    if count > _SHOWN:
        yield f"  and {count - _SHOWN} more (`--progress json` tells all)"
    first, second = verdict.runs
    yield f"  compare: `outcrop files diff {verdict.task}@{first} {verdict.task}@{second}`"


def _difference(found: Twice) -> Iterator[str]:
    what = "" if found.part == "file" else f"{found.part} "
    words = {"added": "only the second time", "removed": "only the first time"}.get(found.change)
    place = words or found.where or ("mode, owner or attributes" if found.change == "metadata" else "differs")
    yield f"  {what}{found.name}: {place}"
    if found.first is not None:
        yield f"    1 {found.first}"
    if found.second is not None:
        yield f"    2 {found.second}"
    if found.hint:
        yield f"    {found.hint}"
