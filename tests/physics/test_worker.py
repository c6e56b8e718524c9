"""The process of an engine: whatever it is doing when it ends, nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from twin.clock import Clock, run_real
from twin.errors import HarnessError
from twin.physics.worker import _GONE, Worker, _Process

pytestmark = pytest.mark.slow  # starting a process takes half a second

BULK = 50_000_000
"""Far more bytes than a pipe holds, so who writes them waits for who reads."""


class Engine:
    """Answers with as many bytes as asked for."""

    def bulk(self, size: int) -> bytes:
        """So many zeros."""
        return bytes(size)

    def fail(self) -> None:
        """It cannot."""
        raise ValueError("no such leg")


def load(_: str) -> Engine:
    return Engine()


def test_one_that_is_killed_in_the_middle_of_an_answer_is_gone() -> None:
    """Half an answer is the end of the stream, not a wait for the rest."""
    process = _Process(load, "bulk")
    try:
        assert process.pipe.recv() == ""
        process.pipe.send(("bulk", (BULK,)))
        assert process.pipe.poll(30)  # it has begun to answer, and waits for a reader
        process.child.kill()
        with pytest.raises(_GONE):
            process.thread.submit(process.pipe.recv).result(timeout=30)
    finally:
        process.end()


def test_a_worker_closes_while_an_answer_is_on_its_way() -> None:
    """Closed at any moment of an answer it returns, and starts again."""

    async def main(clock: Clock) -> None:
        worker = Worker(load, "bulk", clock)
        for late in range(6):
            await worker.start()
            worker.ask("bulk", BULK, take=lambda _: None)
            await asyncio.sleep(0.02 * late)
            worker.close()
            assert worker.pid is None

    run_real(main)


@pytest.mark.covers
def test_what_goes_wrong_there_is_told_here() -> None:
    """An engine's exception ends the run with its text; the process goes on."""

    async def main(clock: Clock) -> None:
        worker = Worker(load, "bulk", clock)
        await worker.start()
        try:
            answers: list[Any] = []
            worker.ask("fail", take=answers.append)
            await asyncio.sleep(5)
        finally:
            worker.close()

    with pytest.raises(HarnessError, match="bulk engine, fail: ValueError: no such leg"):
        run_real(main)
