from __future__ import annotations

from array import array

from tui.model.log_matches import LogMatches


def _matches(hits: list[int], *, line: int = 0) -> LogMatches:
    matches = LogMatches()
    matches.begin("x", line)
    assert matches.search is not None
    matches.search.hits = array("Q", hits)
    return matches


def test_the_first_hit_from_where_one_is_is_gone_to_as_soon_as_it_is_known() -> None:
    matches = _matches([2, 8], line=5)
    assert matches.arrive() == 8
    assert matches.arrive() is None


def test_without_one_it_is_the_last_before_once_all_is_searched() -> None:
    matches = _matches([2, 4], line=5)
    assert matches.arrive() is None
    matches.is_complete = True
    assert matches.arrive() == 4


def test_while_one_types_the_place_is_where_one_began() -> None:
    matches = _matches([2, 8], line=5)
    matches.arrive()
    matches.begin("xy", 8)
    assert matches.search is not None
    matches.search.hits = array("Q", [6, 9])
    assert matches.arrive() == 6


def test_stepping_goes_round() -> None:
    matches = _matches([2, 4, 8])
    assert [matches.step(1, marked, 0) for marked in (None, 2, 4, 8)] == [2, 4, 8, 2]
    assert [matches.step(-1, marked, 0) for marked in (2, 8, 4)] == [8, 4, 2]


def test_stepping_goes_on_from_the_line_that_was_gone_to() -> None:
    matches = _matches([2, 4, 8])
    assert matches.step(1, 5, 0) == 8
    assert matches.step(-1, 3, 0) == 2
    assert matches.step(1, None, 3) == 4


def test_there_is_nothing_to_step_to_without_hits() -> None:
    assert _matches([]).step(1, None, 0) is None
    assert LogMatches().step(1, None, 0) is None


def test_another_log_is_searched_from_its_beginning() -> None:
    matches = _matches([2])
    matches.step(1, None, 0)
    matches.restart()
    assert matches.is_on and not matches.hits and matches.current is None and matches.arrive() is None
