"""Theme files: YAML becomes a Textual theme which has a colour for every role.

A file names its base colours under `colors`, and under `roles` what it does not want derived from
them; `variables` may set any other variable of Textual. Colours are `"#rrggbb"` or `ansi_…` names.
The shipped ones are in the package `themes`, a user's in `$XDG_CONFIG_HOME/outcrop/themes`.
"""

from __future__ import annotations

import os

import msgspec
import yaml
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

import themes
from tui.did_you_mean import did_you_mean
from tui.theme import LANE_ROLES, ROLES

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # without libyaml, the same in Python

DEFAULT_THEME = "outcrop-dark"
LIGHT_THEME = "outcrop-light"
# The terminal's own sixteen colours.
TERMINAL_THEME = "outcrop-terminal"
LIGHT_TERMINAL_THEME = "outcrop-terminal-light"

_SETTINGS = ("colors", "dark", "ansi", "roles", "variables")
_COLORS = (
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
    "foreground",
    "background",
    "surface",
    "panel",
)
_TEXT_STYLES = frozenset({"bold", "dim", "italic", "none", "not", "reverse", "strike", "underline"})
_ROLE_NAMES = (*ROLES, "match-background", "selected-background")


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A theme file that was found: `stamp` changes when the file does."""

    name: str
    path: str
    stamp: tuple[int, int]


class ThemeProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a theme file is not used; the line counts from 1."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class ThemeFileError(Exception):
    """A theme file that cannot be used, with every reason."""

    def __init__(self, problems: list[ThemeProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def shipped_theme(name: str = DEFAULT_THEME) -> Theme:
    """A shipped theme. Its `variables` are also what `App.get_theme_variable_defaults` should return."""
    return read_theme(find_themes("")[name])


def find_themes(user_folder: str) -> dict[str, ThemeFile]:
    """The theme files by name, the shipped ones first; a user's replaces a shipped one of its name."""
    found: dict[str, ThemeFile] = {}
    for folder in (os.path.dirname(themes.__file__), user_folder):
        try:
            entries = sorted(os.listdir(folder))
        except OSError:
            continue
        for entry in entries:
            name, extension = os.path.splitext(entry)
            if extension not in (".yaml", ".yml"):
                continue
            path = os.path.join(folder, entry)
            try:
                status = os.stat(path)
            except OSError:
                continue
            found[name] = ThemeFile(name=name, path=path, stamp=(status.st_mtime_ns, status.st_size))
    return found


def read_theme(file: ThemeFile) -> Theme:
    """The theme of a file; its name is the file's. Raises ThemeFileError."""
    try:
        with open(file.path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ThemeFileError([ThemeProblem(path=file.path, line=1, message=str(error))]) from None
    return parse_theme(text, file.name, file.path)


def parse_theme(text: str, name: str, path: str) -> Theme:
    """The theme a text describes; `path` is for messages. Raises ThemeFileError."""
    reader = _Reader(path)
    root = reader.root(text)
    settings = reader.mapping(root, _SETTINGS, "setting")
    is_ansi = reader.boolean(settings.get("ansi"), False)
    is_dark = reader.boolean(settings.get("dark"), True)
    colors = reader.colors(settings.get("colors"), _COLORS, "color")
    roles = reader.colors(settings.get("roles"), _ROLE_NAMES, "role")
    variables = reader.variables(settings.get("variables"))
    if not reader.problems:
        _report_missing_colors(reader, settings.get("colors", root), colors)
    for color, value in {**colors, **roles}.items():
        if value.startswith("ansi_") and not is_ansi:
            node = settings["colors" if color in colors else "roles"]
            reader.report(node.start_mark.line + 1, f"`{value}` of `{color}` needs `ansi: true`")
    if reader.problems:
        raise ThemeFileError(reader.problems)
    derived = _derived_roles(colors, is_ansi)
    theme = Theme(name=name, primary=colors["primary"], dark=is_dark, ansi=is_ansi)
    for color, value in colors.items():
        setattr(theme, color, value)
    native = BUILTIN_THEMES["ansi-dark" if is_dark else "ansi-light"].variables if is_ansi else {}
    theme.variables = {
        **native,
        **_chrome(colors, {**derived, **roles}, is_ansi),
        **derived,
        **roles,
        **variables,
    }
    return theme


def _report_missing_colors(reader: _Reader, node: yaml.Node, colors: dict[str, str]) -> None:
    for needed in _COLORS:
        if needed not in colors:
            reader.report(node.start_mark.line + 1, f"the color `{needed}` is missing")


def _derived_roles(colors: dict[str, str], is_ansi: bool) -> dict[str, str]:
    """The roles' colours, as far as the base colours give them; the terminal's own cannot be mixed."""

    def mixed(first: str, second: str, share: float) -> str:
        if is_ansi:
            return colors[second]
        return Color.parse(colors[first]).blend(Color.parse(colors[second]), share, alpha=1).hex6

    lanes = ("primary", "success", "warning", "accent", "secondary", "error", "foreground", "primary")
    dim_text = mixed("background", "foreground", 0.7)
    return {
        "task-queued": dim_text,
        "task-running": colors["accent"],
        "task-ok": colors["success"],
        "task-cached": colors["secondary"],
        "task-failed": colors["error"],
        "task-cancelled": colors["warning"],
        "task-skipped": dim_text,
        "task-retried": colors["warning"],
        "task-miss": colors["accent"],
        **{role: colors[name] for role, name in zip(LANE_ROLES, lanes, strict=True)},
        "edge": mixed("background", "foreground", 0.5),
        "edge-active": colors["accent"],
        "fs-added": colors["success"],
        "fs-modified": colors["warning"],
        "fs-metadata": colors["secondary"],
        "fs-removed": colors["error"],
        "diag-error": colors["error"],
        "diag-warning": colors["warning"],
        "dim-text": dim_text,
        "match": colors["background"],
        "match-background": colors["warning"],
        "selected": colors["foreground"],
        "selected-background": mixed("panel", "primary", 0.2),
    }


def _chrome(colors: dict[str, str], roles: dict[str, str], is_ansi: bool) -> dict[str, str]:
    """Variables of Textual's own widgets, in the colours of the theme."""
    bar = roles["edge"]
    if not is_ansi:
        bar = Color.parse(colors["surface"]).blend(Color.parse(bar), 0.55, alpha=1).hex6
    selected = {
        "block-cursor-foreground": roles["selected"],
        "block-cursor-background": roles["selected-background"],
    }
    return {
        **selected,
        "block-cursor-text-style": "bold",
        "border": roles["edge-active"],
        "border-blurred": roles["edge"],
        "scrollbar": bar,
        "scrollbar-hover": roles["edge"],
        "scrollbar-active": roles["dim-text"],
        "scrollbar-background": colors["surface"],
        "scrollbar-background-hover": colors["surface"],
        "scrollbar-background-active": colors["surface"],
        "scrollbar-corner-color": colors["surface"],
        "footer-background": colors["panel"],
        "footer-foreground": colors["foreground"],
        "footer-key-foreground": colors["accent"],
        "footer-description-foreground": roles["dim-text"],
        "input-selection-background": roles["selected-background"],
        "text": colors["foreground"],
        "text-muted": roles["dim-text"],
        "text-error": roles["diag-error"],
        "text-warning": roles["diag-warning"],
        "text-success": roles["task-ok"],
        "text-accent": colors["accent"],
        "text-primary": colors["primary"],
        "text-secondary": colors["secondary"],
    }


class _Reader:
    """Takes nodes of YAML apart and collects what is wrong with them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[ThemeProblem] = []

    def report(self, line: int, message: str) -> None:
        self.problems.append(ThemeProblem(path=self.path, line=line, message=message))

    def root(self, text: str) -> yaml.Node:
        """The tree of the text. Raises ThemeFileError."""
        try:
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.report(line, error.problem or "is not YAML")
        except yaml.YAMLError as error:
            self.report(1, str(error))
        else:
            if root is not None:
                return root
            self.report(1, "is empty")
        raise ThemeFileError(self.problems)

    def mapping(
        self, node: yaml.Node | None, known: tuple[str, ...] | None, what: str
    ) -> dict[str, yaml.Node]:
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.report(node.start_mark.line + 1, "should be a mapping")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if known is not None and name not in known:
                self.report(key.start_mark.line + 1, f"unknown {what} `{name}`{did_you_mean(name, known)}")
            else:
                found[name] = value
        return found

    def boolean(self, node: yaml.Node | None, default: bool) -> bool:
        if node is None:
            return default
        if node.value in ("true", "false"):
            return bool(node.value == "true")
        self.report(node.start_mark.line + 1, f"`{node.value}` is neither `true` nor `false`")
        return default

    def colors(self, node: yaml.Node | None, known: tuple[str, ...], what: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.mapping(node, known, what).items():
            text = value.value if isinstance(value, yaml.ScalarNode) else "…"
            if _is_color(text):
                found[name] = text
            else:
                hint = ' (colours are quoted: "#aabbcc")' if not text else ""
                self.report(value.start_mark.line + 1, f"`{text}` of `{name}` is no colour{hint}")
        return found

    def variables(self, node: yaml.Node | None) -> dict[str, str]:
        """Variables of Textual; a value its style sheets cannot bear would end the program."""
        found: dict[str, str] = {}
        for name, value in self.mapping(node, None, "").items():
            text = value.value if isinstance(value, yaml.ScalarNode) else "…"
            if name.endswith("-style"):
                is_valid = bool(text) and set(text.split()) <= _TEXT_STYLES
            else:
                is_valid = _is_color(text)
            if is_valid:
                found[name] = text
            else:
                what = "text style" if name.endswith("-style") else "colour"
                self.report(value.start_mark.line + 1, f"`{text}` of `{name}` is no {what}")
        return found


def _is_color(text: str) -> bool:
    try:
        Color.parse(text)
    except ColorParseError:
        return False
    return True
