"""The pictures that are kept: what is on the screen in each, and how the terminal looks."""

from __future__ import annotations

from typing import Literal

import msgspec

from tests.tui import story
from tui.theme_files import DEFAULT_THEME, LIGHT_THEME, TERMINAL_THEME

_LIVE = 20.0  # seconds into the run: some tasks have ended, some run, one waits for cores
_THERE = ("unit-2",)
_LOG = ("want 3, got 2",)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """How to come to a picture: once `first` is to be read, `keys` are pressed until `shows` is.

    `run`: what the engine knows: the run of the story, `seconds` into it, or that as it was watched; one
    without tasks; none at all.
    `dies`: the engine does, before the keys.
    """

    name: str
    run: Literal["told", "watched", "empty", "none"] = "told"
    seconds: float = story.END
    begins: Literal["run", "history", "inspect"] = "run"
    first: tuple[str, ...] = _LOG
    keys: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    dies: bool = False


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Size, theme, and what the terminal can show."""

    size: tuple[int, int] = (80, 24)
    theme: str = DEFAULT_THEME
    is_unicode: bool = True
    has_colour: bool = True

    @property
    def words(self) -> str:
        """Such as `80x24-dark`."""
        words = [f"{self.size[0]}x{self.size[1]}", self.theme.removeprefix("outcrop-")]
        words += ([] if self.is_unicode else ["ascii"]) + ([] if self.has_colour else ["no-colour"])
        return "-".join(words)


def _live(name: str, *keys: str, shows: tuple[str, ...] = (), dies: bool = False) -> Scene:
    """Twenty seconds into the run; the log of the task that runs for longest is followed."""
    return Scene(name=name, seconds=_LIVE, first=("vitest",), keys=keys, shows=shows, dies=dies)


RUNNING = _live("running")
FAILED = Scene(name="failed", keys=("e",), shows=_LOG)
FAILURE = Scene(name="failure", shows=("line 3 of the script", "line 90 of the definition"))
INFO = Scene(name="info", keys=("e", "]"), shows=("script",))
WHY = Scene(name="why", keys=("e", "]", "]", "]"), shows=("compared with",))
ENGINE_GONE = _live(
    "engine-gone", shows=("the engine is gone", "failed · lost", "store.test.ts", "start engine"), dies=True
)
TREE = _live("tree", "v", shows=("tree",))
LANES = _live("lanes", "v", "v", shows=("mem",))
GRAPH = _live("graph", "v", "v", "v", shows=("web-image",))
START_RUN = _live("start-run", "o", shows=("targets", "required"))
LEAVE = _live("leave", "q", shows=("Leave while",))
HELP = Scene(name="help", keys=("?",), shows=("Graph and list",))
THEMES = Scene(name="themes", keys=("T",), shows=("high-contrast",))
HISTORY = Scene(name="history", begins="history", first=_THERE)
COMPARE = Scene(name="compare", begins="history", first=_THERE, keys=("j", "c"), shows=("in all",))
NO_RUN = Scene(name="no-run", run="none", begins="history", first=("no run yet",))
NO_TASK = Scene(name="no-task", run="empty", first=("succeeded", "no tasks"))

_FILES = ("all files up to web", "README.md")


def _inspect(name: str, *keys: str, shows: tuple[str, ...] = ()) -> Scene:
    return Scene(name=name, begins="inspect", first=_FILES, keys=keys, shows=shows)


INSPECT = _inspect("inspect", shows=("permissions", "7.7M in all"))
INSPECT_FILES = _inspect("inspect-files")
INSPECT_DIFF = _inspect("inspect-diff", "F", *"parse.go", "enter", "z", "tab", shows=("if len(words) == 0",))
INSPECT_LAYERS = _inspect("inspect-layers", "shift+tab", shows=("efficiency 90.1%",))
INSPECT_COMPARED = _inspect(
    "inspect-compared", "c", *"base", "enter", shows=("A base", "differences", "+", "7.7M")
)
COMPARE_WITH = _inspect("compare-with", "c", shows=("registry/app",))
SEARCH_FILES = _inspect("search-files", "F", "tab", *"view3", "enter", shows=("22 lines",))
WASTE = Scene(
    name="waste",
    begins="inspect",
    first=(*_FILES, "7.7M in all"),
    keys=("W",),
    shows=("npm_config_cache",),
)


def _watched(name: str, seconds: float, *shows: str, keys: tuple[str, ...] = ()) -> Scene:
    return Scene(name=name, run="watched", seconds=seconds, first=("watch",), keys=keys, shows=shows)


WATCH_IDLE = _watched("watch-idle", 50.0, "cycle 1", "failed", "want 3, got 2")
WATCH_CYCLE = _watched("watch-cycle", 62.0, "cycle 2", "affected")
WATCH_BROKEN = _watched("watch-broken", 80.0, "ci.yml:31:7", "cycle 2")
WATCH_LEAVE = _watched("watch-leave", 50.0, "Stop watching?", keys=("q",))

SMALL, SMALL_LIGHT = Look(), Look(theme=LIGHT_THEME)
MIDDLE, TINY = Look(size=(112, 34)), Look(size=(40, 12))
BETWEEN = Look(size=(160, 44))
LARGE, LARGE_LIGHT = Look(size=(160, 50)), Look(size=(160, 50), theme=LIGHT_THEME)

PICTURES: tuple[tuple[Scene, Look], ...] = (
    *((scene, look) for scene in (RUNNING, FAILED) for look in (SMALL, SMALL_LIGHT, LARGE, LARGE_LIGHT)),
    *((scene, look) for scene in (HISTORY, COMPARE, START_RUN, HELP) for look in (SMALL, LARGE_LIGHT)),
    *((scene, SMALL) for scene in (TREE, LANES, GRAPH, INFO, WHY, ENGINE_GONE, THEMES, NO_RUN, NO_TASK)),
    *((scene, look) for scene in (WATCH_IDLE, WATCH_CYCLE, WATCH_BROKEN) for look in (SMALL, BETWEEN)),
    (WATCH_LEAVE, SMALL_LIGHT),
    (WATCH_CYCLE, Look(is_unicode=False)),
    *((INSPECT, look) for look in (LARGE_LIGHT, LARGE, MIDDLE)),
    *((INSPECT_FILES, look) for look in (SMALL, TINY)),
    *((scene, SMALL) for scene in (INSPECT_DIFF, INSPECT_LAYERS, SEARCH_FILES, COMPARE_WITH)),
    (FAILURE, LARGE),
    (FAILURE, SMALL),
    (WASTE, LARGE_LIGHT),
    (INSPECT_COMPARED, MIDDLE),
    (INSPECT_LAYERS, Look(is_unicode=False)),
    (INSPECT_FILES, Look(theme=TERMINAL_THEME, has_colour=False)),
    (INFO, LARGE),
    (LEAVE, SMALL_LIGHT),
    (FAILED, Look(is_unicode=False)),
    (FAILED, Look(theme=TERMINAL_THEME)),
    (FAILED, Look(theme=TERMINAL_THEME, has_colour=False)),
    (RUNNING, Look(theme="outcrop-high-contrast")),
    (RUNNING, Look(theme="outcrop-colour-blind")),
)
