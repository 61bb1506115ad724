"""Starts the process of a run: all is imported before the first line is read, so it can wait in advance."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from engine.quick_start import import_msgspec_quickly


def main() -> NoReturn:
    """Make one run and end the process, as `tui.__main__` does: without taking the interpreter apart."""
    gc.set_threshold(100_000)
    import_msgspec_quickly()
    from engine.worker.work import serve  # after msgspec, which it imports

    code = serve()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
