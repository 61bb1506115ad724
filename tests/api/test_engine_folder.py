"""What the folder of an engine tells without an engine."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.api.engine_folder import UNSEEN, EngineFolder
from engine.model.records import RunRecord


@pytest.mark.parametrize(
    ("finished_at", "is_unseen", "expected"),
    [(2.0, False, False), (2.0, True, True), (None, False, True)],
)
def test_a_run_that_goes_on_or_ended_unseen_is_to_be_seen(
    tmp_path: Path, finished_at: float | None, is_unseen: bool, expected: bool
) -> None:
    run = tmp_path / "runs-v1" / "0142"
    run.mkdir(parents=True)
    record = RunRecord(
        run="0142",
        definition="/a.yml",
        title="a",
        targets=(),
        init={},
        started_at=1.0,
        finished_at=finished_at,
    )
    (run / "run.json").write_bytes(msgspec.json.encode(record))
    if is_unseen:
        (run / UNSEEN).touch()
    assert EngineFolder(str(tmp_path)).may_have_run_to_see() is expected


def test_in_an_empty_store_there_is_nothing_to_be_seen(tmp_path: Path) -> None:
    assert not EngineFolder(str(tmp_path)).may_have_run_to_see()
