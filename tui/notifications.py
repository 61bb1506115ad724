"""Tells somebody who does not look: by the bell, the title of the terminal, and the desktop.

Titles are set by OSC 2 and put back by xterm's stack of them (ctlseqs, `CSI 22 t`, `CSI 23 t`); for the
desktop there are OSC 777 (urxvt, foot, VTE) and OSC 9 (iTerm2, kitty, WezTerm, Windows Terminal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.explain import printable

WAYS = ("bell", "title", "desktop", "always")
DEFAULT_WAYS = ("bell", "title")

_BELL = "\a"
_SAVE_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_END = "\x1b\\"
_MOST = 200  # characters
_WITHOUT_TITLE = ("linux", "dumb", "")


class Notifications:
    """`ways` are some of WAYS: bell and desktop only while nobody looks, unless `always` is among them.

    `write` puts control sequences on the terminal; None where there is no terminal to write them to.
    """

    def __init__(
        self, ways: tuple[str, ...], write: Callable[[str], None] | None, environ: Mapping[str, str]
    ) -> None:
        self._ways = ways
        self._write = write
        self._environ = environ
        self._has_title = False

    def tell(self, mark: str, text: str, *, is_looked_at: bool) -> None:
        """Say that something has turned; `mark` is a glyph that stands before it."""
        is_missed = not is_looked_at or "always" in self._ways
        sequences = []
        if "title" in self._ways:
            sequences.append(self._title(f"{mark} {text}"))
        if "bell" in self._ways and is_missed:
            sequences.append(_BELL)
        if "desktop" in self._ways and is_missed:
            sequences.append(self._desktop(text))
        self._put("".join(sequences))

    def closing(self) -> str:
        """What gives the terminal the title back that it had; empty where that has stayed."""
        has_title, self._has_title = self._has_title, False
        return _RESTORE_TITLE if has_title else ""

    def _title(self, text: str) -> str:
        if self._environ.get("TERM", "") in _WITHOUT_TITLE:
            return ""
        save, self._has_title = "" if self._has_title else _SAVE_TITLE, True
        return f"{save}\x1b]2;{_safe(text)}{_END}"

    def _desktop(self, text: str) -> str:
        term = self._environ.get("TERM", "")
        if term in _WITHOUT_TITLE:
            return ""
        is_titled = term.startswith(("rxvt", "foot")) or "VTE_VERSION" in self._environ
        body = _safe(text).replace(";", ",")
        sequence = f"\x1b]777;notify;outcrop;{body}{_END}" if is_titled else f"\x1b]9;{body}{_END}"
        if "TMUX" in self._environ:  # which passes it on only in such an envelope, if it may at all
            doubled = sequence.replace("\x1b", "\x1b\x1b")
            return f"\x1bPtmux;{doubled}{_END}"
        return sequence

    def _put(self, sequences: str) -> None:
        if sequences and self._write is not None:
            self._write(sequences)


def _safe(text: str) -> str:
    """One short line without a character that could end the sequence."""
    return printable(text)[:_MOST]
