"""Where in its script a task failed."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import msgspec


class ScriptFailure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The command after which a script ended badly; `line` counts from 1, the script's first.

    One of the two may be all that is known. `command` is on one line, cut when it is long. `file` and
    `file_line`: where in a file that the script read in (`.`, `source`) it happened, which `line` of the
    script asked for. `definition_line`: the line of the definition with the script's first, where the
    script stands there as it was executed.
    """

    line: int | None = None
    command: str = ""
    file: str = ""
    file_line: int | None = None
    definition_line: int | None = None
