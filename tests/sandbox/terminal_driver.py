"""Runs a program on this process's terminal in a sandbox: `terminal_driver.py WORK ROOT ARGUMENT…`."""

from __future__ import annotations

import os
import sys

from engine.sandbox import namespace, overlay
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.specification import SandboxSpec

if __name__ == "__main__":
    directory, lower, *argv = sys.argv[1:]
    os.mkdir(directory)
    entered = namespace.enter(directory)
    entered.janitor.remove_directory(directory)
    upper, work, root = (os.path.join(directory, name) for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        os.mkdir(path)
    overlay.mount((lower,), upper, work, root)
    sandbox = Sandbox(entered, directory)
    environment = {"PATH": "/bin:/usr/bin", "PS1": "prompt$ ", "TERM": "dumb"}
    status = sandbox.interactive(SandboxSpec(root=root, argv=tuple(argv), environment=environment))
    overlay.unmount(root)
    sandbox.close()
    entered.janitor.close()
    if os.isatty(0):
        assert os.tcgetpgrp(0) == os.getpgrp()
    sys.stdout.write(f"status {status}\n")
