"""Work in a thread that is never left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


async def in_thread(function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """The result of a blocking call. A cancellation comes out only once the call is over.

    `asyncio.to_thread` lets go at once, and the files that the call works on would be taken from under it.
    """
    call = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    cancelled: asyncio.CancelledError | None = None
    while not call.done():
        try:
            await asyncio.wait({call})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        call.exception()  # nobody else asks for it
        raise cancelled
    return call.result()
