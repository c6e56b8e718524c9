"""What every emulated device on a bench has: a wire to be reached, and hands that move its world.

In a kill matrix it lives on the same virtual clock as the suite; `hil.emulated` serves it from a
process of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from twin.clock import Clock
from twin.trace import Recorder, Trace

Verb = Callable[[dict[str, Any]], Awaitable[Any]]
"""One action of the hands: takes a JSON object, gives a JSON object or None."""


class EmulatedBench(Protocol):
    """An emulated device and everything that hands and instruments can do with it."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve the device's wire; returns the port."""

    async def stop(self) -> None:
        """Serve no more."""

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """What the hands do, by the name under which another process asks for it."""


class Forget(Trace):
    """A trace that keeps nothing: the evidence is the bench's trace, never the device's own."""

    def _recorder(self, clock: Clock | None) -> Recorder:  # noqa: ARG002
        """Nothing is recorded; nothing is a cause."""

        def forget(source: str, kind: str, /, cause: int = -1, **payload: Any) -> int:  # noqa: ARG001
            return -1

        return forget
