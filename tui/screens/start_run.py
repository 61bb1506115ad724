"""The dialog that starts a run: which definition, which tasks of it, with which parameters."""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.api.messages import DefinitionSummary, InitParameter
from engine.model.request import RunRequest
from tui.format import Glyphs
from tui.model import start_choices
from tui.model.history_rows import definition_names
from tui.model.spans import Row, Span
from tui.widgets.choice_list import ChoiceList
from tui.widgets.row_line import RowLine
from tui.widgets.row_list import RowList

_MOST_DEFINITIONS = 4
_OPTIONS = {"no_cache": "without cache: execute every task", "fail_fast": "stop at the first failure"}
_KEYS = (
    ("Enter", "start", "start"),
    ("Space", "choose", "choose"),
    ("/", "filter", "filter"),
    ("Tab", "next", "next"),
    ("Esc", "cancel", "leave"),
)


class StartRunScreen(ModalScreen[RunRequest | None]):
    """The result is the request, or None. `remembered`: the last choices by definition, which it adds to."""

    CSS_PATH = "start_run.tcss"
    AUTO_FOCUS = "#targets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel"),
        Binding("enter", "start", "start"),
        Binding("space", "choose", "choose"),
        Binding("slash", "filter", "filter"),
    ]

    def __init__(
        self,
        definitions: Sequence[DefinitionSummary],
        glyphs: Glyphs,
        remembered: MutableMapping[str, RunRequest],
        definition: str | None = None,
    ) -> None:
        super().__init__()
        self._definitions = list(definitions)
        self._glyphs = glyphs
        self._remembered = remembered
        self._names = definition_names(it.path for it in definitions)
        paths = [it.path for it in definitions]
        sound = (index for index, it in enumerate(definitions) if not it.problems)
        self._index = paths.index(definition) if definition in paths else next(sound, 0)
        self._targets: set[str] = set()
        self._visible: list[str] = []
        self._files = ChoiceList(glyphs, self._file_row, empty="no definition here", id="definitions")
        self._tasks = ChoiceList(glyphs, self._target_row, empty="no task matches", id="targets")
        self._options: set[str] = set()
        self._switches = ChoiceList(glyphs, self._option_row, id="options")
        self._keys = RowLine(ellipsis=glyphs.ellipsis, id="keys")

    def compose(self) -> ComposeResult:
        with Vertical(id="start") as box:
            box.border_title = "Start a run"
            yield self._files
            yield Static("", id="problems", markup=False)
            with Horizontal(id="choices"):
                with Vertical(id="target-side"):
                    yield self._tasks
                    yield Input(placeholder="filter the tasks", compact=True, id="target-filter")
                yield VerticalScroll(id="parameters", can_focus=False)
            yield self._switches
            yield Static("", id="complaint", markup=False)
            yield self._keys

    async def on_mount(self) -> None:
        self._files.show((Span("definition", "dim-text"),), len(self._definitions), self._index)
        self._files.styles.height = min(len(self._definitions), _MOST_DEFINITIONS) + 1
        self._keys.show(_key_row())
        await self._show_definition()

    @property
    def definition(self) -> DefinitionSummary | None:
        """The one that is chosen."""
        return self._definitions[self._index] if self._definitions else None

    # Actions

    def action_start(self) -> None:
        definition = self.definition
        if definition is None or definition.problems:
            self._complain("this definition can't be run")
            return
        values = self._values()
        missing = start_choices.missing(definition, values)
        if missing:
            self._complain(f"{', '.join(f'`{name}`' for name in missing)} must be given")
            self._field(missing[0]).focus()
            return
        request = start_choices.request_for(
            definition,
            self._targets,
            values,
            no_cache="no_cache" in self._options,
            fail_fast="fail_fast" in self._options,
        )
        self._remembered[definition.path] = request
        self.dismiss(request)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        if self.focused is self._tasks and 0 <= self._tasks.cursor < len(self._visible):
            self._targets ^= {self._visible[self._tasks.cursor]}
            self._draw_targets()
        elif self.focused is self._switches:
            self._options ^= {tuple(_OPTIONS)[self._switches.cursor]}
            self._switches.refresh()

    def action_next(self) -> None:
        self.focus_next()

    def action_filter(self) -> None:
        self.query_one("#target-filter", Input).focus()

    # What happens

    @on(RowList.Highlighted, "#definitions")
    async def _another_definition(self, event: RowList.Highlighted) -> None:
        if 0 <= event.index < len(self._definitions) and event.index != self._index:
            self._index = event.index
            await self._show_definition()

    @on(RowList.Clicked)
    @on(RowList.Chosen)
    def _row_clicked(self) -> None:
        self.action_choose()

    @on(Input.Changed, "#target-filter")
    def _filter_changed(self) -> None:
        self._draw_targets(from_top=True)

    @on(Input.Submitted)
    def _field_entered(self, event: Input.Submitted) -> None:
        """After all that was typed before it, however quickly."""
        if event.input.id == "target-filter":
            self._tasks.focus()
        else:
            self.action_start()

    @on(RowLine.Pressed, "#keys")
    async def _key_clicked(self, event: RowLine.Pressed) -> None:
        await self.run_action(event.task)

    # What is shown

    async def _show_definition(self) -> None:
        definition = self.definition
        is_sound = definition is not None and not definition.problems
        self.query_one("#problems").display = not is_sound
        for name in ("#choices", "#options"):
            self.query_one(name).display = is_sound
        self._complain("")
        if definition is None:
            self.query_one("#problems", Static).update("There is no outcrop.yml here, nor a file in .rwx.")
            return
        if not is_sound:
            folder = os.path.dirname(definition.path)
            self.query_one("#problems", Static).update(
                start_choices.problem_lines(definition.problems, folder)
            )
            self._files.focus()
            return
        choice = start_choices.first_choice(definition, self._remembered.get(definition.path))
        self._targets = set(choice.targets)
        self._options = {name for name in _OPTIONS if getattr(choice, name) is True}
        self._switches.show((Span("options", "dim-text"),), len(_OPTIONS), 0)
        self._draw_targets(from_top=True)
        await self._show_parameters(definition, start_choices.starting_values(definition, choice))

    async def _show_parameters(self, definition: DefinitionSummary, values: dict[str, str]) -> None:
        side = self.query_one("#parameters", VerticalScroll)
        side.display = bool(definition.init)
        await side.remove_children()
        for parameter in definition.init:
            await side.mount(
                Static(_label(parameter), markup=False, classes="parameter-name"),
                Input(values[parameter.name], compact=True, name=parameter.name, classes="parameter"),
            )

    def _draw_targets(self, *, from_top: bool = False) -> None:
        definition = self.definition
        text = self.query_one("#target-filter", Input).value.casefold()
        tasks = () if definition is None else definition.tasks
        self._visible = [task for task in tasks if text in task.casefold()]
        chosen = len(self._targets & set(tasks))
        words = f"{chosen} of {len(tasks)}" if chosen else f"all {len(tasks)}"
        heading = (Span("targets  ", "dim-text"), Span(words, "edge-active" if chosen else "dim-text"))
        self._tasks.show(heading, len(self._visible), 0 if from_top else self._tasks.cursor)

    def _complain(self, text: str) -> None:
        self.query_one("#complaint", Static).update(text)

    def _values(self) -> dict[str, str]:
        return {field.name: field.value for field in self.query(".parameter").results(Input) if field.name}

    def _field(self, name: str) -> Input:
        return next(field for field in self.query(".parameter").results(Input) if field.name == name)

    def _file_row(self, index: int, is_current: bool) -> Row:
        definition = self._definitions[index]
        name = self._names[definition.path]
        return start_choices.definition_row(definition, name, self._glyphs, is_current=is_current)

    def _target_row(self, index: int, is_current: bool) -> Row:
        task = self._visible[index]
        is_marked = is_current and self._tasks.has_focus
        return start_choices.target_row(
            task, self._glyphs, is_chosen=task in self._targets, is_current=is_marked
        )

    def _option_row(self, index: int, is_current: bool) -> Row:
        name = tuple(_OPTIONS)[index]
        is_marked = is_current and self._switches.has_focus
        return start_choices.target_row(
            _OPTIONS[name], self._glyphs, is_chosen=name in self._options, is_current=is_marked
        )


def _key_row() -> Row:
    row: list[Span] = []
    for key, words, action in _KEYS:
        row.append(Span(key, "edge-active", bold=True, task=action))
        row.append(Span(f" {words}   ", "dim-text", task=action))
    return tuple(row)


def _label(parameter: InitParameter) -> str:
    return parameter.name if parameter.default is not None else f"{parameter.name} (required)"
