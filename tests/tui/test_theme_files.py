"""Theme files: what a good one gives, what is said about a bad one, which is begun with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.themed_app import shipped_names
from tui.theme import ROLES
from tui.theme_choice import ThemeChoice, chosen_theme
from tui.theme_files import ThemeFile, ThemeFileError, find_themes, parse_theme, read_theme, shipped_theme

COLORS = """\
colors:
  primary: "#8fb4c9"
  secondary: "#7fb4cf"
  accent: "#e3b458"
  success: "#98bd78"
  warning: "#e3a868"
  error: "#f08a70"
  foreground: "#ddd6c8"
  background: "#15181b"
  surface: "#1a1e21"
  panel: "#21262a"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ThemeFileError) as raised:
        parse_theme(text, "mine", "mine.yaml")
    return [str(problem) for problem in raised.value.problems]


def test_the_promised_themes_are_shipped() -> None:
    promised = {"outcrop-dark", "outcrop-light", "outcrop-high-contrast", "outcrop-colour-blind"}
    assert promised <= set(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_theme_has_a_colour_for_every_role(name: str) -> None:
    theme = shipped_theme(name)
    assert {*ROLES, "match-background", "selected-background"} <= set(theme.variables)
    assert theme.dark == ("light" not in name)


def test_roles_are_derived_from_the_base_colours() -> None:
    variables = parse_theme(COLORS, "mine", "mine.yaml").variables
    assert set(ROLES) <= set(variables)
    assert variables["task-ok"] == "#98bd78"
    assert variables["dim-text"] not in ("#ddd6c8", "#15181b")


def test_a_role_and_a_variable_of_textual_can_be_set() -> None:
    text = COLORS + 'roles:\n  task-ok: "#00ff00"\nvariables:\n  border: "#123456"\n'
    variables = parse_theme(text, "mine", "mine.yaml").variables
    assert (variables["task-ok"], variables["border"]) == ("#00ff00", "#123456")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            COLORS + 'roles:\n  task-okay: "#00ff00"\n',
            "13: unknown role `task-okay`; did you mean `task-ok`?",
        ),
        (COLORS + "roles:\n  task-ok: leaf\n", "13: `leaf` of `task-ok` is no colour"),
        (
            COLORS + "roles:\n  task-ok: #00ff00\n",
            '13: `` of `task-ok` is no colour (colours are quoted: "#aabbcc")',
        ),
        (COLORS + "darkk: true\n", "12: unknown setting `darkk`; did you mean `dark`?"),
        (COLORS + "dark: perhaps\n", "12: `perhaps` is neither `true` nor `false`"),
        (COLORS.replace('  panel: "#21262a"\n', ""), "2: the color `panel` is missing"),
        (COLORS + "roles: [1]\n", "12: should be a mapping"),
        (COLORS + "roles:\n  task-ok: [1]\n", "13: `…` of `task-ok` is no colour"),
        (COLORS + "variables:\n  border: much\n", "13: `much` of `border` is no colour"),
        (COLORS + "variables:\n  link-style: tall\n", "13: `tall` of `link-style` is no text style"),
        (COLORS + "roles:\n  task-ok: ansi_green\n", "13: `ansi_green` of `task-ok` needs `ansi: true`"),
        ("", "1: is empty"),
        ("- 1\n", "1: should be a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    assert f"mine.yaml:{message}" in problems(text)


@pytest.mark.parametrize("text", ["colors: [", "\t", "a: *b", "a: 1\n---\nb: 2\n", "\x00"])
def test_what_is_not_yaml_is_one_problem(text: str) -> None:
    assert len(problems(text)) == 1


def test_every_problem_of_a_file_is_said_at_once() -> None:
    assert len(problems(COLORS + "darkk: true\nroles:\n  task-okay: leaf\n  task-ok: leaf\n")) == 3


def test_a_users_theme_is_found_and_replaces_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(COLORS)
    (tmp_path / "outcrop-dark.yml").write_text(COLORS)
    (tmp_path / "notes.txt").write_text("no theme")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    found = find_themes(str(tmp_path))
    assert set(found) == {*shipped_names(), "mine"}
    assert found["outcrop-dark"].path == str(tmp_path / "outcrop-dark.yml")
    assert read_theme(found["mine"]).name == "mine"


def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(COLORS)
    before = find_themes(str(tmp_path))["mine"]
    path.write_text(COLORS + "dark: false\n")
    assert find_themes(str(tmp_path))["mine"].stamp != before.stamp


def test_a_file_that_cannot_be_read_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\xff")
    for path in (tmp_path / "mine.yaml", tmp_path / "nowhere.yaml"):
        with pytest.raises(ThemeFileError):
            read_theme(ThemeFile(name="mine", path=str(path), stamp=(0, 0)))


MANY = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("wanted", "environ", "choice"),
    [
        (None, MANY, ThemeChoice(name="outcrop-dark")),
        (None, {"TERM": "foot", "COLORTERM": "truecolor"}, ThemeChoice(name="outcrop-dark")),
        (None, MANY | {"COLORFGBG": "0;15"}, ThemeChoice(name="outcrop-light")),
        (None, MANY | {"COLORFGBG": "15;default;0"}, ThemeChoice(name="outcrop-dark")),
        (None, {"TERM": "linux"}, ThemeChoice(name="outcrop-terminal")),
        (None, {"TERM": "xterm", "COLORFGBG": "0;15"}, ThemeChoice(name="outcrop-terminal-light")),
        ("mine", {"TERM": "xterm"}, ThemeChoice(name="mine")),
        ("mine", MANY | {"NO_COLOR": "1"}, ThemeChoice(name="outcrop-terminal", is_ansi=True)),
    ],
)
def test_the_first_theme_is_the_users_or_suits_the_terminal(
    wanted: str | None, environ: dict[str, str], choice: ThemeChoice
) -> None:
    assert chosen_theme(wanted, environ) == choice
