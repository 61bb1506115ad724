"""Pictures of the screens: what is drawn stays as it is, or is looked at and renewed.

    python -m pytest tests/tui/snapshots --snapshot-update

renews the stored ones; `git diff --stat` then says which have changed, and a browser shows how. After a
test has failed, `snapshot_report.html` has both pictures side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from engine.events import Event
from engine.usage import Usage
from tests.tui import story, story_files
from tests.tui.snapshots.scenes import PICTURES, Look, Scene
from tests.tui.synthetic import START
from tui.app import Opening, OutcropApp
from tui.appearance import Appearance
from tui.bridge import Bridge
from tui.theme_choice import ThemeChoice

_STILL_FOR = 4
_TURNS = 600


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "scene, look",
    [pytest.param(scene, look, id=f"{scene.name}-{look.words}") for scene, look in PICTURES],
)
def test_the_screen_looks_as_before(
    scene: Scene, look: Look, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not look.has_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    engine = story_files.engine()
    if scene.run != "none":
        engine.add(story.RUN, *_happened(scene))
    app = OutcropApp(
        Bridge(engine, lambda: engine),
        Opening(
            place=story_files.PLACE if scene.begins == "inspect" else None,
            run=None if scene.begins == "history" else story.RUN,
        ),
        Appearance(
            theme=ThemeChoice(name=look.theme, is_ansi=None if look.has_colour else True),
            is_unicode=look.is_unicode,
        ),
        clock=lambda: START + scene.seconds,
    )

    async def play(pilot: Pilot[None]) -> None:
        await _until(pilot, lambda: _is_loaded(app, scene) and _shows(app, scene.first))
        if scene.dies:
            engine.die()
        await pilot.press(*scene.keys)
        await _until(pilot, lambda: _shows(app, scene.shows))
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await _until_still(pilot)

    assert snap_compare(app, terminal_size=look.size, run_before=play)
    engine.die()


def _happened(scene: Scene) -> list[Event | Usage]:
    match scene.run:
        case "told":
            return story.told(scene.seconds)
        case "watched":
            return story.watched(scene.seconds)
    return story.of_nothing()


async def _until(pilot: Pilot[None], done: Callable[[], bool]) -> None:
    """Let the app work until this holds."""
    for _ in range(_TURNS):
        if done():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"never came; the screen is\n{_text(pilot.app)}")


async def _until_still(pilot: Pilot[None]) -> None:
    """Until nothing more comes: a busy machine draws a screen in several steps."""
    pictures = [""]
    while len(pictures) < _STILL_FOR or len(set(pictures[-_STILL_FOR:])) > 1:
        assert len(pictures) < _TURNS, "it never stands still"
        await pilot.pause(0.03)
        pictures.append(pilot.app.export_screenshot())


def _is_loaded(app: OutcropApp, scene: Scene) -> bool:
    """Whether the app has all that the engine knows of the run."""
    shown, panel = app.run_screen.shown, app.run_screen.panes.panel
    return scene.begins == "history" or (
        shown is not None
        and shown.summary is not None
        and shown.is_live == (scene.run == "watched" or scene.seconds < story.END)
        and (panel._failure is not None or not panel.has_failed)
    )


def _shows(app: OutcropApp, words: tuple[str, ...]) -> bool:
    text = _text(app)
    return all(it in text for it in words)


def _text(app: App[None]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
