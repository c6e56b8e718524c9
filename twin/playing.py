"""What every run needs, whatever is run: its clock, its broker, who watches, what is left."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.bridge import Credentials, Radio, Wish, radio_of
from twin.clock import Clock, run_real, run_virtual
from twin.errors import HarnessError
from twin.site_bridge import Cargo
from twin.trace import Record, Trace

_PROGRESS_S = 60.0
"""Simulated seconds between two looks at the progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    trace: Trace
    records: Sequence[Record]
    simulated_s: float
    wall_s: float


def play(main: Callable[[Clock], Awaitable[Trace]], *, seed: int, speed: float | None) -> Outcome:
    """Run `main` in virtual time, or `speed` times as fast as the wall clock; it ends the trace."""
    began = time.perf_counter()

    async def story(clock: Clock) -> tuple[Trace, float]:
        trace = await main(clock)
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        return trace, clock.now_s()

    if speed is None:
        trace, simulated_s = run_virtual(story, seed=seed)
    else:
        trace, simulated_s = run_real(story, speed=speed)
    wall_s = time.perf_counter() - began
    return Outcome(trace, list(trace.records()), simulated_s, wall_s)


@contextmanager
def air(
    wish: Wish, cargo: Cargo, speed: float | None, host: str = "127.0.0.1"
) -> Iterator[tuple[Radio, Credentials | None]]:
    """The broker of `wish` while the block runs, and who comes in; None: as the seed draws them.

    On the wall clock passwords are never the seed's: others may reach the ports.
    """
    if speed is not None:
        credentials = Credentials.draw(cargo, random.Random(secrets.token_bytes(32)))
        with radio_of(wish, cargo, credentials.passwords, host) as radio:
            yield radio, credentials
        return
    if not wish.plain:
        raise HarnessError(
            f"--broker {wish.broker}{' --tls' * wish.tls}: in virtual time there is "
            "only inproc without TLS, for no other program can wait for a clock that jumps; "
            "give --speed 1"
        )
    yield Radio(), None


def faults_in(folder: Path, start: Mapping[str, Any]) -> Path | None:
    """The schedule that `run.start` tells, written to `folder`; None if there was none."""
    if start["faults"] is None:
        return None
    path = folder / "faults.toml"
    path.write_text(start["faults"], encoding="utf-8")
    return path


@asynccontextmanager
async def watched(clock: Clock, look: Callable[[float], None] | None) -> AsyncIterator[None]:
    """Call `look` with the simulated seconds, once a minute of them, while the block runs."""
    watcher = asyncio.ensure_future(_watch(clock, look)) if look is not None else None
    try:
        yield
    finally:
        if watcher is not None:
            watcher.cancel()


async def _watch(clock: Clock, look: Callable[[float], None]) -> None:
    while True:
        look(clock.now_s())
        await clock.sleep(_PROGRESS_S)
