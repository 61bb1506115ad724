"""Sources of styles are parsed once for the same variables, and anew for others."""

from __future__ import annotations

from textual.color import Color

from tests.tui.themed_app import ThemedApp
from tui.stylesheet import RememberedStylesheet


def sheet() -> RememberedStylesheet:
    found = RememberedStylesheet({"task-ok": "#00ff00"})
    found.add_source("Label { color: $task-ok; }", read_from=("a", ""))
    found.parse()
    return found


def test_what_is_known_is_not_parsed_again_when_a_source_comes() -> None:
    styles = sheet()
    (before,) = styles.rules
    styles.add_source("Input { color: $task-ok; }", read_from=("b", ""))
    styles.set_variables({"task-ok": "#00ff00"})
    styles.reparse()
    assert len(styles.rules) == 2
    assert styles.rules[0] is before


def test_other_variables_give_other_colours() -> None:
    styles = sheet()
    styles.set_variables({"task-ok": "#ff0000"})
    styles.reparse()
    (rule,) = styles.rules
    assert rule.styles.color == Color.parse("#ff0000")


async def test_another_theme_changes_what_was_parsed() -> None:
    app = ThemedApp()
    app.stylesheet = RememberedStylesheet(app.get_css_variables())
    async with app.run_test() as pilot:
        dark = app.screen.styles.background
        app.theme = "textual-light"
        await pilot.pause()
        assert app.screen.styles.background != dark
