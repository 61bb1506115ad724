"""A cancelled wait for a thread ends when the thread has."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.execution.threads import in_thread


async def test_the_result_and_the_error_come_out() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)


async def test_a_cancellation_waits_for_the_end_of_the_call() -> None:
    began, may_end, order = threading.Event(), threading.Event(), list[str]()

    def work() -> None:
        began.set()
        may_end.wait(20)
        order.append("worked")

    waiting = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 20)
    for _ in range(2):
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert order == ["worked"]
