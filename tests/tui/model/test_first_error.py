from __future__ import annotations

import pytest

from tests.tui.memory_log import MemoryLog
from tui.model.first_error import NONE, STRONG, WEAK, first_error, likeness


@pytest.mark.parametrize(
    "line",
    [
        "error: could not compile `outcrop`",
        "error[E0308]: mismatched types",
        "src/parse.go:41:2: undefined: x",
        "main.c:3:5: error: expected ';'",
        "main.c:3: fatal error: foo.h: No such file or directory",
        "src/app.ts(12,3): error TS2304: Cannot find name 'x'.",
        "src/app.ts:12:3 - error TS2304: Cannot find name 'x'.",
        "--- FAIL: TestParse (0.01s)",
        "    --- FAIL: TestParse/empty (0.01s)",
        "FAIL\texample.com/pkg\t0.01s",
        "FAILED tests/test_x.py::test_y - assert 1 == 2",
        "E   assert 1 == 2",
        "Traceback (most recent call last):",
        "ValueError: bad value",
        "panic: runtime error: index out of range",
        "fatal: not a git repository",
        "npm ERR! code ELIFECYCLE",
        "npm error code E404",
        "make: *** [Makefile:3: all] Error 2",
        "make[1]: *** No rule to make target 'x'.  Stop.",
        "bash: line 1: frob: command not found",
        "/bin/sh: 1: frob: not found",
        "cat: /nowhere: No such file or directory",
        "thread 'main' panicked at src/main.rs:2:5:",
        'Exception in thread "main" java.lang.NullPointerException',
        "[ERROR] Failed to execute goal",
        "ERROR: failed to solve",
        "2024-05-01T10:00:00Z ERROR cannot connect",
        "10:00:01 error: boom",
        "E: Unable to locate package frob",
        "Segmentation fault (core dumped)",
        "not ok 3 - parses",
        "##[error]Process completed with exit code 1.",
        "curl: (22) The requested URL returned error: 404",
        "java.lang.IllegalStateException: no",
    ],
)
def test_what_surely_reports_an_error(line: str) -> None:
    assert likeness(line) == STRONG


@pytest.mark.parametrize(
    "line", ["the build failed", "there was an error while linking", "3 tests, 1 failure"]
)
def test_what_may_report_an_error(line: str) -> None:
    assert likeness(line) == WEAK


@pytest.mark.parametrize(
    "line",
    [
        "",
        "0 errors, 3 warnings",
        "ok: no errors found",
        "compiling src/error_handler.go",
        "gcc -Wall -Werror -c main.c",
        "test errors::parse ... ok",
        "warning: unused variable",
        "PASS: 12 passed, 0 failed",
        "+ echo error",
        "failures=0 errors=0",
        "downloading fail2ban",
        "copying lib/exceptions.py",
        "everything is fine",
    ],
)
def test_what_is_no_error(line: str) -> None:
    assert likeness(line) == NONE


@pytest.mark.parametrize(
    "log, line",
    [
        (b"ok\nthe build failed\nmore\nerror: real\n", 3),
        (b"ok\nthe build failed\nmore\n", 1),
        (b"ok\n\x1b[31merror\x1b[0m: coloured\n", 1),
        (b"fine\n", None),
        (b"", None),
        (b"a\n" * 600_000 + b"error: late", 600_000),
    ],
)
def test_the_first_sure_error_is_preferred(log: bytes, line: int | None) -> None:
    assert first_error(MemoryLog(log), len(log), lambda: False) == line
