"""The engine process in the background: `python -m engine.api STORE`, as `engine.api.spawn` starts it."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from engine.quick_start import import_msgspec_quickly


def main() -> NoReturn:
    """Serve, and end the process without taking the interpreter apart."""
    gc.set_threshold(100_000)
    os.chdir("/")
    import_msgspec_quickly()
    from engine.api.process import serve  # after msgspec, which it imports
    from engine.model.errors import OutcropError

    root, *options = sys.argv[1:]
    token = options[options.index("--first-run") + 1] if "--first-run" in options else ""
    code = 0
    try:
        serve(root, until_unused="--until-unused" in options, token=token)
    except OutcropError as error:
        sys.stderr.write(f"error: {error}\n")
        code = error.exit_code
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
