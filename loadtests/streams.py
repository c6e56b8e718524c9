"""What is listened to all the time, beside the arrivals: alert streams, weight frames.

A listener holds one connection for the whole run and opens it again where it breaks. It says what
came, when it was due and when it was seen; the recorder treats that like any request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from loadtests.errors import CallFailed, SessionBroken, failure_kind
from loadtests.result import Recorder

RETRY_S = 0.5
"""Pause before a broken stream is opened again."""


class StreamLog:
    """Where a listener writes; seconds run from the start of the load, as everywhere."""

    def __init__(self, recorder: Recorder, now_s: Callable[[], float]) -> None:
        self.recorder, self.now_s = recorder, now_s

    def seen(
        self, name: str, due_s: float, since_s: float, seen_s: float, failure: str = ""
    ) -> None:
        """Something was due at `due_s` and came (or not: `failure`) at `seen_s`.

        `since_s` is where the service time begins: the request, or what came before it.
        """
        shift_s = max(0.0, -due_s)  # a run begins at 0: what was due before belongs to its start
        self.recorder.record(name, due_s + shift_s, since_s + shift_s, seen_s + shift_s, failure)

    def noted(self, name: str, since_s: float, seen_s: float) -> None:
        """Something worth counting that is no answer to anybody: it stands apart, as a step."""
        self.recorder.record_step(name, max(0.0, since_s), since_s, seen_s)


class Listener(Protocol):
    """One stream of a run."""

    name: str
    """What a break of the stream is counted under."""

    async def listen(self, log: StreamLog) -> None:
        """Connect and read until the stream breaks: raises `CallFailed` or `OSError`."""

    async def finish(self, log: StreamLog) -> None:
        """The run is over: wait for what is on its way, write down what only shows at the end."""


async def keep_listening(listener: Listener, log: StreamLog) -> None:
    """Listen until cancelled; every break is counted, with how long it lasted."""
    while True:
        began_s = log.now_s()
        try:
            await listener.listen(log)
            raise SessionBroken("stream ended")
        except (CallFailed, OSError, TimeoutError) as error:
            log.seen(listener.name, began_s, began_s, log.now_s(), failure_kind(error))
        await asyncio.sleep(RETRY_S)
