"""Runs tasks in sandboxes as an engine would: `python driver.py FILE`, answers as JSON lines.

FILE is JSON: {"work": directory, "lower": [directories, topmost first], "host_base": bool, "tasks":
[task, …], "keep": bool}. A task has `script`, perhaps `cancel_at` or `measure_at`, a text in its output
at which it is cancelled or measured, and the fields of SandboxSpec. With `keep` the driver does not
end by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import Any

import msgspec

from engine.model.errors import OutcropError
from engine.sandbox import host_base, namespace, overlay
from engine.sandbox.running_task import RunningTask
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.specification import SandboxSpec

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_FIELDS = ("script", "cancel_at", "measure_at", "cancel_again_at")


class Output:
    """Collects what a task writes, and lets one wait for a text in it."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self.content = b""
        self.ended = asyncio.Event()
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._read, self._more)

    async def wait_for(self, text: str) -> None:
        while text.encode() not in self.content:
            self._changed.clear()
            await self._changed.wait()

    async def finish(self) -> str:
        os.close(self.write)
        await self.ended.wait()
        return self.content.decode(errors="surrogateescape")

    def _more(self) -> None:
        chunk = os.read(self._read, 65536)
        self.content += chunk
        self._changed.set()
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._read)
            os.close(self._read)
            self.ended.set()


def specification(task: dict[str, Any], root: str, is_host: bool) -> SandboxSpec:
    fields = {key: value for key, value in task.items() if key not in OWN_FIELDS}
    fields.setdefault("argv", ["/bin/sh", "-c", task.get("script", ":")])
    fields.setdefault("environment", {"PATH": PATH})
    return msgspec.convert({"root": root, "host_base": is_host, **fields}, SandboxSpec)


async def run(sandbox: Sandbox, request: dict[str, Any], number: int) -> dict[str, Any]:
    task = request["tasks"][number]
    place = os.path.join(request["work"], str(number))
    upper, work, root = (os.path.join(place, name) for name in ("upper", "work", "root"))
    for path in (place, upper, work, root):
        os.mkdir(path)
    begin = time.perf_counter()
    overlay.mount(tuple(request["lower"]), upper, work, root)
    output = Output()
    running: list[RunningTask] = []
    answer: dict[str, Any] = {"cancelled": False, "error": None, "usage": None}
    executing = asyncio.create_task(
        sandbox.run(
            specification(task, root, request["host_base"]), output.write, output.write, running.append
        )
    )
    if "measure_at" in task:
        await output.wait_for(task["measure_at"])
        answer["usage"] = msgspec.to_builtins(running[0].usage())
    if "cancel_at" in task:
        await output.wait_for(task["cancel_at"])
        begin = time.perf_counter()
        executing.cancel()
    if "cancel_again_at" in task:
        await output.wait_for(task["cancel_again_at"])
        executing.cancel()
    try:
        await executing
    except asyncio.CancelledError:
        answer["cancelled"] = True
    except OutcropError as error:
        answer["error"] = [type(error).__name__, str(error)]
    answer["seconds"] = time.perf_counter() - begin
    if running and running[0].result is not None:
        answer["result"] = msgspec.to_builtins(running[0].result)
        answer["created"] = running[0].created
    answer["output"] = await output.finish()
    overlay.unmount(root)
    answer["upper"] = sorted(
        os.path.relpath(os.path.join(directory, name), upper)
        for directory, folders, files in os.walk(upper)
        for name in (*folders, *files)
    )
    return answer


async def main(request: dict[str, Any]) -> None:
    say(namespace_answer)
    sandbox = Sandbox(entered, request["work"])
    for number in range(len(request["tasks"])):
        say(await run(sandbox, request, number))
    if request["keep"]:
        signal.pause()
    sandbox.close()


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    os.mkdir(given["work"], 0o755)
    try:
        entered = namespace.enter(os.path.dirname(given["work"]))
    except OutcropError as problem:
        say({"error": [type(problem).__name__, str(problem)]})
        sys.exit(problem.exit_code)
    namespace_answer = {"mode": entered.mode, "warnings": entered.warnings}
    entered.janitor.remove_directory(given["work"])
    if given["host_base"]:
        skeleton = os.path.join(given["work"], "skeleton")
        os.mkdir(skeleton, 0o755)
        host_base.make_skeleton(skeleton)
        given["lower"] = [*given["lower"], skeleton]
    asyncio.run(main(given))
    entered.janitor.close()
