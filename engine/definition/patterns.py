"""Regular expressions of `=~`: Python's syntax, matched in bounded time."""

from __future__ import annotations

import re
import signal
import sys
import threading
import warnings
from types import FrameType

from engine.model.errors import UserError

MAXIMUM_SECONDS = 1.0
_MAXIMUM_PATTERN = 10_000


class _TimeOut(Exception):
    pass


def problem_with_pattern(pattern: str) -> str | None:
    """Why a pattern does not compile, or None."""
    try:
        _compiled(pattern)
    except UserError as error:
        return error.message
    return None


def search(pattern: str, text: str) -> bool:
    """True when the pattern matches anywhere in the text.

    UserError when it does not compile, or is not decided within a second.
    """
    compiled = _compiled(pattern)
    if threading.current_thread() is not threading.main_thread():
        return _search_elsewhere(pattern, text)
    # The matcher of the standard library looks for signals while it works, so an alarm stops it.
    previous = signal.signal(signal.SIGALRM, _stop)
    try:
        remaining, interval = signal.setitimer(signal.ITIMER_REAL, MAXIMUM_SECONDS)
        try:
            return compiled.search(text) is not None
        finally:
            signal.setitimer(signal.ITIMER_REAL, remaining, interval)
    except _TimeOut:
        raise _too_slow(pattern) from None
    finally:
        signal.signal(signal.SIGALRM, previous)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _TimeOut


def _too_slow(pattern: str) -> UserError:
    return UserError(
        f"the pattern `{pattern}` takes too long to match",
        "repetitions inside repetitions, such as `(a+)+`, are slow: write a simpler pattern",
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > _MAXIMUM_PATTERN:
        raise UserError(f"the pattern is longer than {_MAXIMUM_PATTERN:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(
            f"the pattern `{pattern}` is not valid: {error}", "patterns have the syntax of Python's `re`"
        ) from None


def _search_elsewhere(pattern: str, text: str) -> bool:
    # Late: only threads other than the main one come here, where no signal can stop the matcher.
    import json
    import subprocess

    program = "import json, re, sys; print(bool(re.search(*json.load(sys.stdin))))"
    try:
        result = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", "-c", program],
            input=json.dumps([pattern, text]),
            capture_output=True,
            text=True,
            timeout=MAXIMUM_SECONDS + 1,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise _too_slow(pattern) from None
    return result.stdout.strip() == "True"
