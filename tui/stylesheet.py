"""A stylesheet that parses each of its sources once: Textual asks for all of them whenever a screen comes."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class RememberedStylesheet(Stylesheet):
    """What was parsed holds as long as the variables are the same."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._given = dict(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._given:
            self._given = dict(variables)
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
