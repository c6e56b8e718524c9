"""What serving on the wall clock needs, whatever is served: the wire list, and when to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from twin import stacks
from twin.clock import Clock
from twin.errors import HarnessError
from twin.trace import Trace

WireList = dict[str, Any]
Ready = Callable[[WireList, str], None]
"""Takes the wire list, and which broker there is and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is served, for how long, and what runs beside it."""

    host: str = "127.0.0.1"
    first_port: int = 0
    """First of the ports in a row; 0: any that are free."""
    endpoints: Path = Path("endpoints.json")
    for_s: float | None = None
    """Wall seconds; None: until the process is told to end."""
    stacks: Sequence[str] = ()
    """Run in the same process."""
    trace: Path | None = None
    """Records leave memory as they come, so that a gate can be served for weeks."""

    def record(self, clock: Clock) -> Trace:
        """The trace of what is served here."""
        return Trace(clock, self.trace, keep=self.trace is not None)

    @property
    def told(self) -> str:
        """Which stack it is, for the trace."""
        return ", ".join(self.stacks) or "external"


class Served(Protocol):
    """What has wires."""

    async def start(self, host: str = "127.0.0.1", first_port: int = 0) -> WireList:
        """Serve all wires; returns the wire list."""

    async def stop(self) -> None:
        """Close every wire."""


async def serve_at(
    place: Place, clock: Clock, trace: Trace, what: Served, ready: Callable[[WireList], None],
    meanwhile: Callable[[], Coroutine[Any, Any, object]] | None = None,
) -> None:  # fmt: skip
    """Serve `what` until the time of `place` is over; `ready` gets the wire list.

    `meanwhile` begins when stacks run and `ready` has been called.
    """
    running: list[stacks.Stack] = []
    try:
        factories = [stacks.find(name) for name in place.stacks]
        wire_list = await what.start(place.host, place.first_port)
        write_private(place.endpoints, wire_list)
        for factory in factories:
            running.append(factory(wire_list, {}))
            await running[-1].start()
        ready(wire_list)
        await until_told(clock, place.for_s, meanwhile() if meanwhile else None)
    finally:
        for stack in running:
            await stack.stop()
        await what.stop()
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        trace.close()


async def until_told(
    clock: Clock, for_s: float | None, meanwhile: Coroutine[Any, Any, object] | None = None
) -> None:
    """Wait for a signal, or `for_s` wall seconds; `meanwhile` runs beside it and may end before."""
    told = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has fewer
            clock.loop.add_signal_handler(getattr(signal, name), told.set)
    beside = asyncio.ensure_future(meanwhile) if meanwhile is not None else None
    try:
        limit_s = None if for_s is None else for_s * clock.speed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), limit_s)
    finally:
        if beside is not None:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)


def write_private(path: Path, wire_list: dict[str, Any]) -> None:
    """Write the wire list, which holds passwords: nobody but its owner reads it."""
    text = json.dumps(wire_list, indent=2, ensure_ascii=False) + "\n"
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
