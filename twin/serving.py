"""What serving on the wall clock needs, whatever is served: the wire list, and when to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twin.clock import Clock
from twin.errors import HarnessError


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
