"""The list of layers as it is drawn and steered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.api.file_messages import LayerSummary
from tests.tui.widgets.tree_app import STATE, example_files
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.layer_rows import Marks
from tui.widgets.layer_list import LayerList

NOW = 1.7e9 + 3600


class LayersApp(WidgetApp):
    """`said`: the positions that were highlighted."""

    def __init__(self, layers: LayerList) -> None:
        super().__init__(layers)
        self.said: list[int | None] = []

    def on_layer_list_highlighted(self, message: LayerList.Highlighted) -> None:
        self.said.append(message.position)


def layers() -> Sequence[LayerSummary]:
    return example_files().place(STATE).layers


@pytest.mark.parametrize("size", [(18, 6), (40, 12), (80, 24), (200, 60)])
async def test_layers_are_listed_lowest_first(size: tuple[int, int]) -> None:
    list_ = LayerList(Glyphs())
    async with LayersApp(list_).run_test(size=size) as pilot:
        list_.show(layers(), NOW)
        list_.mark(Marks(a=0))
        await pilot.pause()
        heading, base, build = lines_of(list_)[:3]
        assert ("2 layers" in heading) == (size[0] > 18)
        assert base.startswith(" A◆ ")
        assert build.startswith("▸ ● ")
        assert "base" in base
        assert "build" in build
        assert ("1h ago" in base) == (size[0] >= 80)


async def test_the_last_layer_is_selected_first_and_keys_move() -> None:
    list_ = LayerList(Glyphs())
    app = LayersApp(list_)
    async with app.run_test(size=(40, 12)) as pilot:
        list_.show(layers(), NOW)
        list_.focus()
        await pilot.press("k", "j", "g")
        await pilot.pause()
        assert app.said == [1, 0, 1, 0]
        assert list_.current is not None
        assert list_.current.name == "base"


async def test_another_layer_at_the_same_place_is_told() -> None:
    list_ = LayerList(Glyphs())
    app = LayersApp(list_)
    async with app.run_test(size=(40, 12)) as pilot:
        list_.show(layers()[:1], NOW)
        await pilot.pause()
        list_.show(layers()[:1], NOW)
        await pilot.pause()
        assert app.said == [0]
        list_.show(example_files().place(STATE).layers[1:], NOW)
        await pilot.pause()
        assert app.said == [0, 1]
        list_.show((), NOW)
        await pilot.pause()
        assert app.said == [0, 1, None]
        assert any("no layer" in line for line in lines_of(list_))


async def test_a_place_can_be_shown_with_one_of_its_layers_selected() -> None:
    list_ = LayerList(Glyphs())
    app = LayersApp(list_)
    async with app.run_test(size=(40, 12)) as pilot:
        list_.show(layers(), NOW, selected=0)
        await pilot.pause()
        list_.select(1)
        await pilot.pause()
        assert app.said == [0, 1]


async def test_in_ascii_every_character_is_ascii() -> None:
    list_ = LayerList(Glyphs(is_unicode=False))
    async with LayersApp(list_).run_test(size=(100, 12)) as pilot:
        list_.show(layers(), NOW)
        await pilot.pause()
        assert all(line.isascii() for line in lines_of(list_))
