"""A search through contents, carried out by a process of its own while its lines are passed on."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Iterator

import msgspec

from engine.inspection.search_messages import Search, SearchedFile
from engine.model.errors import MachineError

_LINE = 1 << 20
_FED_AT_ONCE = 1 << 16


async def found_lines(order: Search, files: Iterator[SearchedFile]) -> AsyncGenerator[bytes, None]:
    """What the process says, whole lines; whoever closes this ends it. MachineError when it dies."""
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "engine.inspection.search_process",
            stdin=reading,
            stdout=asyncio.subprocess.PIPE,
            cwd="/",
            start_new_session=True,
            limit=_LINE,
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    feeding = _Feeding(writing, order, files)
    feeding.start()
    try:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            yield line
        await asyncio.to_thread(feeding.join)
        if await process.wait() != 0 or feeding.error is not None:
            raise MachineError(f"the search ended early: {feeding.error or process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Feeding(threading.Thread):
    """Hands the files over, as fast as they are searched; it ends with the process."""

    def __init__(self, pipe: int, order: Search, files: Iterator[SearchedFile]) -> None:
        super().__init__(name="files to search", daemon=True)
        self.error: Exception | None = None
        self._pipe = pipe
        self._order = order
        self._files = files

    def run(self) -> None:
        encode = msgspec.json.Encoder().encode
        try:
            with open(self._pipe, "wb", buffering=_FED_AT_ONCE) as pipe:
                pipe.write(encode(self._order) + b"\n")
                pipe.flush()
                for file in self._files:
                    pipe.write(encode(file) + b"\n")
        except BrokenPipeError:
            pass  # it has found enough, or nobody wants it any more
        except Exception as error:  # noqa: BLE001  # told by whoever reads the answer
            self.error = error
