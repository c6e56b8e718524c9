"""What every emulated device on a bench has: a wire to be reached, and hands that move its world.

In a kill matrix it lives on the same virtual clock as the suite; `hil.emulated` serves it from a
process of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

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


class Serves(Protocol):
    """The wire of an emulated device."""

    async def start(self, host: str, port: int) -> int:
        """Serve; returns the port."""

    async def stop(self) -> None:
        """Serve no more."""


class Starts(Protocol):
    """A variant of a device that takes its time."""

    @property
    def start_up_s(self) -> float:
        """From power to the first answer."""


V = TypeVar("V", bound=Starts)
S = TypeVar("S", bound=Serves)


class PoweredBench(ABC, Generic[V, S]):
    """An emulated device with one wire, whose mains hands switch.

    A kit's own device makes `clock`, `variant` and `server`, adds the hands, and says what the
    loss of power does to it.
    """

    instant = True
    clock: Clock
    variant: V
    server: S
    _powered = True

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve the device's wire; returns the port."""
        return await self.server.start(host, port)

    async def stop(self) -> None:
        """Serve no more."""
        await self.server.stop()

    async def switch(self, on: bool) -> None:
        """Mains off or on; the wire comes back after the device has started."""
        if on == self._powered:
            return
        self._powered = on
        if on:
            self.power_returns()
            self.clock.call_later(self.variant.start_up_s, self._started)
        else:
            self.power_fails()

    def _started(self) -> None:
        if self._powered:
            self.is_up()

    @abstractmethod
    def power_fails(self) -> None:
        """What the loss of power does at once."""

    def power_returns(self) -> None:
        """What its return does at once; most devices have to start first."""

    @abstractmethod
    def is_up(self) -> None:
        """It has started."""

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset."""
        return self.clock.business_time()

    async def tell_time(self, _: dict[str, Any]) -> Any:
        """The verb of `now_iso`."""
        return {"now": await self.now_iso()}


class Forget(Trace):
    """A trace that keeps nothing: the evidence is the bench's trace, never the device's own."""

    def _recorder(self, clock: Clock | None) -> Recorder:  # noqa: ARG002
        """Nothing is recorded; nothing is a cause."""

        def forget(source: str, kind: str, /, cause: int = -1, **payload: Any) -> int:  # noqa: ARG001
            return -1

        return forget
