"""The settings file: what is valid holds, what is not is said with its line, saving touches one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.settings import (
    SettingsError,
    parse_settings,
    read_settings,
    save_theme,
    settings_folder,
    settings_path,
)


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    settings = read_settings(str(tmp_path / "config.yml"))
    assert (settings.theme, settings.is_ascii, settings.keymap.changed, settings.notices) == (
        None,
        False,
        {},
        (),
    )


def test_the_folder_is_that_of_the_desktop_standard() -> None:
    assert settings_path({"XDG_CONFIG_HOME": "/c"}) == "/c/outcrop/config.yml"
    assert settings_folder({}).endswith("/.config/outcrop")


def test_theme_alphabet_and_keys_are_read() -> None:
    text = 'theme: outcrop-sand\nascii: true\nkeys:\n  retry: "r, ctrl+Y"\n  wrap: [W, f5]\n  quit: none\n'
    settings = parse_settings(text, "config.yml")
    assert (settings.theme, settings.is_ascii, settings.notices) == ("outcrop-sand", True, ())
    assert settings.keymap.changed == {"retry": "r,ctrl+y", "wrap": "W,f5", "quit": "unbound"}


def test_what_is_wrong_is_said_with_its_line_and_the_rest_holds() -> None:
    text = """\
thema: dark
ascii: perhaps
keys:
  retri: r
  shell: "ctl+y, ctrl+y"
  wrap: {a: b}
  retry: pageupp
  copy: Y
theme: mine
"""
    settings = parse_settings(text, "config.yml")
    assert settings.notices == (
        "config.yml:1: unknown setting `thema`; did you mean `theme`?",
        "config.yml:2: should be `true` or `false`",
        "config.yml:4: unknown action `retri`; did you mean `retry`?",
        "config.yml:5: unknown modifier `ctl`; did you mean `ctrl`?",
        'config.yml:6: should be keys, as in `"x, ctrl+x"`',
        "config.yml:7: unknown key `pageupp`; did you mean `pageup`?",
    )
    assert settings.theme == "mine"
    assert settings.keymap.changed == {"shell": "ctrl+y", "copy": "Y"}


def test_conflicting_keys_are_said() -> None:
    settings = parse_settings("keys:\n  retry: f12\n  shell: f12\n", "config.yml")
    assert settings.notices == ("config.yml:3: `f12` of `shell` is already given to `retry`",)


@pytest.mark.parametrize(
    "text", ["keys: [", "- 1\n", "keys: 3\n", "theme: {a: b}\n", "\t", "a: &x *x\n", "\x00"]
)
def test_a_damaged_file_is_a_notice(text: str) -> None:
    settings = parse_settings(text, "config.yml")
    assert settings.notices
    assert settings.notices[0].startswith("config.yml")
    assert settings.keymap.changed == {}


@pytest.mark.parametrize("text", ["", "# nothing\n", "keys:\n", "theme:\n"])
def test_an_empty_file_is_fine(text: str) -> None:
    assert parse_settings(text, "config.yml").notices == ()


def test_a_file_that_cannot_be_read_is_a_notice(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_bytes(b"\xff\xfe\xff")
    assert read_settings(str(tmp_path / "config.yml")).notices
    assert read_settings(str(tmp_path)).notices


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "theme: new\n"),
        ("# mine\nascii: true", "# mine\nascii: true\ntheme: new\n"),
        (
            "# mine\ntheme:   old   # was blue\nkeys:\n  retry: i\n",
            "# mine\ntheme:   new   # was blue\nkeys:\n  retry: i\n",
        ),
        ('theme: "old"\n', "theme: new\n"),
        ("theme:\nascii: true\n", "theme: new\nascii: true\n"),
        ("ascii: true # ein schöner Kommentar ☃\r\ntheme: old\r\n", None),
        ("ascii: true\r\n", "ascii: true\r\ntheme: new\r\n"),
    ],
)
def test_saving_the_theme_changes_nothing_else(tmp_path: Path, before: str, after: str | None) -> None:
    path = tmp_path / "outcrop" / "config.yml"
    if before:
        path.parent.mkdir()
        path.write_bytes(before.encode())
    save_theme(str(path), "new")
    assert path.read_bytes().decode() == (after or before.replace("old", "new"))
    assert read_settings(str(path)).theme == "new"


@pytest.mark.parametrize("text", ["{ascii: true}\n", "keys: [", "- 1\n", "ascii: true\n...\n"])
def test_a_file_of_another_shape_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        save_theme(str(path), "new")
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").write_text("theme: old\n")
    (tmp_path / "config.yml").symlink_to("dotfiles")
    save_theme(str(tmp_path / "config.yml"), "new")
    assert (tmp_path / "config.yml").is_symlink()
    assert (tmp_path / "dotfiles").read_text() == "theme: new\n"
