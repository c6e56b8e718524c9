"""Serve a site's wires on the wall clock, for a stack in another process or on another host."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import random
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import stacks
from twin.clock import Clock, run_real
from twin.errors import HarnessError
from twin.gate import Fidelity, Gate, engine_of
from twin.site import Site
from twin.trace import Trace


@dataclass(frozen=True, slots=True)
class Order:
    """What to serve, where and for how long."""

    site: Site
    host: str = "127.0.0.1"
    first_port: int = 0
    endpoints: Path = Path("endpoints.json")
    day: dt.date | None = None
    seed: int = 0
    speed: float = 1.0
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"
    for_s: float | None = None
    stack: str | None = None
    trace: Path | None = None


def serve(order: Order, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until `for_s` is over or the process is told to end; `ready` gets the wire list."""

    async def main(clock: Clock) -> None:
        # Records leave memory as they come, so that a gate can be served for weeks.
        trace = Trace(clock, order.trace, keep=order.trace is not None)
        trace(
            "run", "run.start", site=order.site.id, seed=order.seed, fidelity=order.fidelity,
            engine=engine_of(order.fidelity, order.engine), faults=None, hours=None,
            day=order.day.isoformat() if order.day else None, stack=order.stack or "external",
        )  # fmt: skip
        gate = Gate(
            order.site,
            clock,
            trace,
            seed=order.seed,
            fidelity=order.fidelity,
            engine=order.engine,
            secret=random.Random(secrets.token_bytes(32)),
        )
        wire_list = await gate.start(order.host, order.first_port)
        stack = None
        try:
            _write_private(order.endpoints, wire_list)
            if order.stack:
                stack = stacks.find(order.stack)(wire_list, {})
                await stack.start()
            ready(wire_list)
            await _until_told(clock, gate, order)
        finally:
            if stack is not None:
                await stack.stop()
            await gate.stop()
            trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
            trace.close()

    run_real(main, speed=order.speed)


async def _until_told(clock: Clock, gate: Gate, order: Order) -> None:
    """Let the day pass, then go on serving; a signal or the time limit ends it."""
    told = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has fewer
            clock.loop.add_signal_handler(getattr(signal, name), told.set)
    day = asyncio.ensure_future(gate.run_day(order.day)) if order.day else None
    try:
        limit_s = None if order.for_s is None else order.for_s * order.speed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), limit_s)
    finally:
        if day is not None:
            day.cancel()
            await asyncio.gather(day, return_exceptions=True)


def _write_private(path: Path, wire_list: dict[str, Any]) -> None:
    """The wire list holds passwords: nobody but its owner reads it."""
    text = json.dumps(wire_list, indent=2, ensure_ascii=False) + "\n"
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
