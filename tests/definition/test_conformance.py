"""Every case of the shared conformance suite gets its verdict; adding a case there is adding two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.definition.load import lint
from engine.model.diagnostic import Diagnostic

_ROOT = Path(__file__).parents[2].parent / "shared" / "conformance"
_CASES = sorted(_ROOT.glob("definitions/*.yml"))
# Warnings of rules that the reference marks as our own are not counted by the suite.
_NOT_COUNTED = {
    "missing-file",
    "package-version",
    "secret-in-run",
    "shadowed-name",
    "leading-dash",
    "unknown-artifact",
}


def test_the_suite_is_there() -> None:
    if not _CASES:
        pytest.skip("the conformance cases lie beside the project, and are not here")
    assert len(_CASES) > 100


@pytest.mark.parametrize("path", _CASES, ids=lambda path: path.stem)
def test_a_case_gets_its_verdict(path: Path) -> None:
    case = json.loads(path.with_suffix(".json").read_text())
    found = lint(str(path), package_paths=(str(_ROOT / "packages"),))
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    warnings = [d for d in found if d.severity == "warning" and d.rule not in _NOT_COUNTED]
    match case["verdict"]:
        case "accept":
            assert not errors
            assert len(warnings) == case["warnings"], warnings
        case "reject":
            places = {(diagnostic.line, diagnostic.column) for diagnostic in errors}
            assert {(error["line"], error["column"]) for error in case["errors"]} <= places
        case "stricter-reject":
            assert all(_is_found(error, errors) for error in case["errors"])
        case "stricter-warn":
            assert not errors
            assert len(warnings) == case["warnings"], warnings
            assert all(_is_found(error, warnings) for error in case["errors"])


def _is_found(expected: dict[str, Any], found: list[Diagnostic]) -> bool:
    lines = expected.get("any_line", [expected["line"]])
    return any(diagnostic.line in lines for diagnostic in found)
