"""The command palette: every action that works here, by its words, with its key."""

from __future__ import annotations

from functools import partial

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from tui.active_actions import ActiveAction, offered_actions
from tui.key_names import key_text


class ActionPalette(CommandPalette):
    """Textual's palette with our actions; to be pushed over the screen whose actions it offers."""

    DEFAULT_CSS = """
    ActionPalette SearchIcon { display: none; }
    """

    def __init__(self) -> None:
        super().__init__(providers=[ActionProvider], placeholder="Find an action")


class ActionProvider(Provider):
    """What the palette lists."""

    async def startup(self) -> None:
        self._offered = [it for it in offered_actions(self.screen) if it.action.id != "palette"]

    async def discover(self) -> Hits:
        for it in self._offered:
            yield DiscoveryHit(it.words, partial(self._run, it), text=it.words, help=self._help(it))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for it in self._offered:
            score = max(matcher.match(it.words), 0.5 * matcher.match(it.action.help))
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(it.words),
                    partial(self._run, it),
                    text=it.words,
                    help=self._help(it),
                )

    def _help(self, offered: ActiveAction) -> str:
        return explanation(offered, is_unicode=not self.app.has_class("-ascii"))

    async def _run(self, chosen: ActiveAction) -> None:
        action = chosen.action
        node = self.focused if action.place == "widget" and self.focused is not None else self.screen
        await node.run_action(
            action.id if action.place == "screen" and not action.calls else action.textual_action
        )


def explanation(offered: ActiveAction, *, is_unicode: bool = True) -> str:
    """`r · Run the failed task again.`: the keys of an action, and its help."""
    keys = " ".join(key_text(key, is_unicode=is_unicode) for key in offered.keys)
    separator = " · " if is_unicode else ": "
    return f"{keys}{separator}{offered.action.help}" if keys else offered.action.help
