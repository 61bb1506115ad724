"""What Textual itself draws with lines and blocks, drawn with letters where there is nothing else."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender

# Ids where the rule that is replaced has one.
ASCII_CSS = """
App.-ascii ModalScreen > Vertical, App.-ascii ModalScreen > #start { border: ascii $edge-active; }
App.-ascii CompareScreen > FactView { border-top: ascii $edge; }
App.-ascii ActionPalette #--input { border: none !important; border-top: ascii $edge-active !important; }
App.-ascii ActionPalette CommandList, App.-ascii ActionPalette LoadingIndicator {
    border: none !important; border-bottom: ascii $edge-active !important;
}
App.-ascii Toast.-information { border-left: ascii $success; }
App.-ascii Toast.-warning { border-left: ascii $warning; }
App.-ascii Toast.-error { border-left: ascii $error; }
"""


class PlainScrollBarRender(ScrollBarRender):
    """A scroll bar of whole cells: its ends are not drawn to the eighth of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]
