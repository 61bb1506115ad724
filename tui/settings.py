"""The user's settings: `$XDG_CONFIG_HOME/outcrop/config.yml`.

    theme: outcrop-light
    ascii: true
    notify: [bell, title, desktop]
    keys:
      retry: "r, ctrl+y"
      change_theme: none

What is wrong is said with its line; everything else holds all the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec
import yaml

from tui.actions import BY_ID
from tui.did_you_mean import did_you_mean
from tui.key_names import KeyNameError, key_name
from tui.keymap import Keymap, KeyRequest, resolve
from tui.notifications import DEFAULT_WAYS, WAYS

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # without libyaml, the same in Python
_KNOWN = ("theme", "ascii", "notify", "keys")
_NO_WAY = ("off", "none", "false")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. `notices` are sentences for the user, each with file and line.

    `notify`: how a watched run tells that it has turned, as `tui.notifications` names the ways.
    """

    theme: str | None = None
    is_ascii: bool = False
    notify: tuple[str, ...] = DEFAULT_WAYS
    keymap: Keymap = Keymap()
    notices: tuple[str, ...] = ()


class SettingsError(Exception):
    """Settings that could not be written; says why."""


def settings_folder(environ: Mapping[str, str]) -> str:
    """The folder of the settings; it need not exist."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(home, "outcrop")


def settings_path(environ: Mapping[str, str]) -> str:
    """The file of the settings; it need not exist."""
    return os.path.join(settings_folder(environ), "config.yml")


def read_settings(path: str) -> Settings:
    """The settings of a file; the defaults where there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Settings(notices=(f"{path}: {error}",))
    return parse_settings(text, path)


def parse_settings(text: str, path: str) -> Settings:
    """The settings in a text; `path` is for notices."""
    reader = _Reader(path)
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        return Settings(notices=(f"{path}:{line + 1}: {error.problem}",))
    except yaml.YAMLError as error:
        return Settings(notices=(f"{path}: {error}",))
    theme: str | None = None
    is_ascii = False
    notify: tuple[str, ...] = DEFAULT_WAYS
    keymap = Keymap()
    for key, node in reader.entries(root, "the settings"):
        match key.value:
            case "theme":
                theme = reader.text(node)
            case "ascii":
                is_ascii = reader.boolean(node)
            case "notify":
                notify = reader.ways(node)
            case "keys":
                keymap = resolve(reader.requests(node))
            case unknown:
                reader.report(key, f"unknown setting `{unknown}`{did_you_mean(str(unknown), _KNOWN)}")
    notices = [*reader.notices, *(f"{path}:{it.line}: {it.message}" for it in keymap.problems)]
    return Settings(theme=theme, is_ascii=is_ascii, notify=notify, keymap=keymap, notices=tuple(notices))


def save_theme(path: str, name: str) -> None:
    """Writes the theme into the settings and leaves every other byte as it is. Raises SettingsError."""
    path = os.path.realpath(path)  # a link into someone's dotfiles stays a link
    try:
        text = _read(path)
        edited = _with_theme(text, name)
        if parse_settings(edited, path).theme != name:
            raise SettingsError(f"{path} is not written as a block of settings: add `theme: {name}` by hand")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}.new"
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            stream.write(edited)
        os.replace(temporary, path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"could not save the theme: {error}") from None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _with_theme(text: str, name: str) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)  # its marks count characters, libyaml's do not
    if isinstance(root, yaml.MappingNode):
        for key, node in root.value:
            if key.value == "theme":
                start, end = node.start_mark.index, node.end_mark.index
                space = "" if text[start - 1 : start] == " " else " "
                return f"{text[:start]}{space}{name}{text[end:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    separator = "" if not text or text.endswith("\n") else newline
    return f"{text}{separator}theme: {name}{newline}"


class _Reader:
    """Takes nodes of YAML apart and collects what is wrong with them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.notices: list[str] = []

    def report(self, node: yaml.Node, message: str) -> None:
        self.notices.append(f"{self.path}:{node.start_mark.line + 1}: {message}")

    def entries(self, node: yaml.Node | None, what: str) -> list[tuple[yaml.Node, yaml.Node]]:
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
            return []
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{what} should be a mapping")
            return []
        return list(node.value)

    def text(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value) or None
        self.report(node, "should be a name")
        return None

    def boolean(self, node: yaml.Node) -> bool:
        if node.value in ("true", "false"):
            return bool(node.value == "true")
        self.report(node, "should be `true` or `false`")
        return False

    def ways(self, node: yaml.Node) -> tuple[str, ...]:
        """Some of WAYS, none for `off`; what is none of them is left out."""
        found = []
        for text in self._texts(node):
            if text in WAYS:
                found.append(text)
            elif text not in _NO_WAY:
                wanted = ", ".join(f"`{way}`" for way in WAYS)
                self.report(
                    node, f"`{text}` is no way to notify: {wanted} or `off`{did_you_mean(text, WAYS)}"
                )
        return tuple(dict.fromkeys(found))

    def _texts(self, node: yaml.Node) -> list[str]:
        if isinstance(node, yaml.SequenceNode):
            return [str(item.value) for item in node.value]
        if isinstance(node, yaml.ScalarNode):
            return [text.strip() for text in str(node.value).split(",") if text.strip()]
        self.report(node, "should be a list, as in `[bell, title]`")
        return []

    def requests(self, node: yaml.Node) -> list[KeyRequest]:
        found: dict[str, KeyRequest] = {}
        for key, value in self.entries(node, "`keys`"):
            action = str(key.value)
            if action not in BY_ID:
                self.report(key, f"unknown action `{action}`{did_you_mean(action, BY_ID)}")
                continue
            keys = self._keys(value)
            if keys is not None:
                found[action] = KeyRequest(action=action, keys=keys, line=key.start_mark.line + 1)
        return list(found.values())

    def _keys(self, node: yaml.Node) -> tuple[str, ...] | None:
        """The keys a value names; None, and a notice, where not one of them is a key."""
        if isinstance(node, yaml.SequenceNode):
            texts = [str(item.value) for item in node.value]
        elif isinstance(node, yaml.ScalarNode):
            texts = [] if node.value in ("none", "") else str(node.value).split(",")
        else:
            self.report(node, 'should be keys, as in `"x, ctrl+x"`')
            return None
        names = []
        for text in texts:
            try:
                names.append(key_name(text))
            except KeyNameError as error:
                self.report(node, str(error))
        return tuple(dict.fromkeys(names)) if names or not texts else None
