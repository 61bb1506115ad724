"""The actions of the Inspect screen, a part of the table in `tui.actions`."""

from __future__ import annotations

from functools import partial

from tui.action import Action, on_screen, on_widget

_inspect = partial(on_screen, "inspect")

_LAYERS = (
    Action(
        id="open_layer",
        keys=("enter",),
        words="Go to the files of the layer",
        short="files",
        help="Go to the files of the selected layer.",
        groups=("layers",),
        rank=2,
    ),
    _inspect(
        "mark_layer",
        "m",
        "Mark the layer, A then B",
        "mark",
        "Mark the selected layer as A, then another one as B: what differs between them is shown.",
        "layers",
        rank=4,
    ),
    _inspect(
        "compare_with",
        "c",
        "Compare with another",
        "compare",
        "Choose a layer, a task, a run or an image, and show what differs from it.",
        "layers",
        rank=3,
    ),
    _inspect("swap_compared", "x", "Swap A and B", "swap", "Compare the other way round.", "layers", rank=5),
    _inspect(
        "waste",
        "W",
        "What is wasted",
        "waste",
        "Show how much space is taken more than once, by which paths, and what to do about it.",
        "layers",
        rank=8,
    ),
)

_FILES = (
    on_widget(
        "open_entry",
        "enter",
        "Open the file or folder",
        "open",
        "Open or close the folder; go to what is in the file.",
        "files",
        rank=2,
    ),
    on_widget(
        "toggle_folder", "space", "Open or close the folder", "folder", "Open or close the folder.", "files"
    ),
    on_widget("collapse_folders", "-", "Close all folders", "close all", "Close all folders.", "files"),
    _inspect(
        "filter_files",
        "/",
        "Filter the files by name",
        "filter",
        "Show only files whose name contains a text.",
        "files",
        rank=6,
    ),
    _inspect("toggle_added", "A", "Added files", "added", "Show or hide what was added.", "files"),
    _inspect("toggle_changed", "M", "Changed files", "changed", "Show or hide what was changed.", "files"),
    _inspect("toggle_removed", "D", "Removed files", "removed", "Show or hide what was removed.", "files"),
    _inspect(
        "toggle_metadata",
        "P",
        "Changed owners and permissions",
        "metadata",
        "Show or hide files of which only owner, permissions or other attributes were changed.",
        "files",
    ),
    _inspect(
        "layer_alone",
        "U ctrl+l",
        "The layer alone, or all files",
        "layer/all",
        "Show or hide what is unchanged: without it, the layer is shown alone.",
        "files",
        rank=5,
    ),
    _inspect(
        "sort_files",
        "O",
        "Change the order of the files",
        "order",
        "Sort files by name, size or number of changes, in turn.",
        "files",
        rank=10,
    ),
    _inspect(
        "search_files",
        "F",
        "Search names and contents",
        "search",
        "Search for names, or for text in the files, in the whole filesystem.",
        "files",
        rank=6,
    ),
    _inspect("open_in_pager", "o", "Open in the pager", "pager", "Read the file in $PAGER.", "files", rank=7),
    _inspect(
        "open_in_editor",
        "e",
        "Open in the editor",
        "editor",
        "Open a copy of the file in $EDITOR; what is changed there is thrown away.",
        "files",
        rank=9,
    ),
    _inspect(
        "export_files",
        "E",
        "Export the file or folder",
        "export",
        "Write the file or folder to a place of yours.",
        "files",
        rank=8,
    ),
    _inspect(
        "shell_in_layer",
        "s",
        "Open a shell in the task",
        "shell",
        "Open a shell in the files of the task that made the layer.",
        "layers",
        rank=7,
    ),
)

_PREVIEW = (
    on_widget(
        "find_in_file", "/", "Search the file", "search", "Search the file that is shown.", "preview", rank=3
    ),
    on_widget(
        "find_next",
        "n",
        "Next match or change",
        "next",
        "Go to the next match, or the next change.",
        "preview",
        rank=4,
    ),
    on_widget(
        "find_previous",
        "N",
        "Previous match or change",
        "previous",
        "Go to the match before, or the change before.",
        "preview",
    ),
    on_widget(
        "wrap_file", "w", "Wrap long lines", "wrap", "Break long lines, or cut them.", "preview", rank=9
    ),
    on_widget(
        "all_lines",
        "=",
        "All lines, or changes only",
        "all lines",
        "In a diff, show or hide the lines that are the same.",
        "preview",
        rank=10,
    ),
)

INSPECT: tuple[Action, ...] = (*_LAYERS, *_FILES, *_PREVIEW)
