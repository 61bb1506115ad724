"""What loading a definition gives."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import msgspec

from engine.model.diagnostic import Diagnostic
from engine.model.run_definition import RunDefinition


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """`definition` is None when there is an error.

    `files` are all files that decide the result, in the order they were looked at; those that are
    missing too, since the result is another one when they appear.
    """

    definition: RunDefinition | None
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]
