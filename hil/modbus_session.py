"""A session on a device behind Modbus TCP: what the shared Modbus cases need to know of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

from twin.clock import Clock
from twin.profiles import Row
from twin.trace import Trace

from .drivers.modbus import ModbusWire
from .mbap import write_one
from .papers import ModbusPics, ModbusPixit
from .session import Roles, Session
from .view import CaseView

P = TypeVar("P", bound=ModbusPics)
X = TypeVar("X", bound=ModbusPixit)


class ModbusSession(Session[P, X]):
    """One run on one bench with a device whose wire is Modbus TCP."""

    def __init__(
        self, clock: Clock, trace: Trace, wire: ModbusWire, roles: Roles, pics: P, pixit: X
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire = wire
        self.state: dict[str, Any] = {}

    @abstractmethod
    async def look(self) -> None:
        """Read the ground truth once, by an instrument, and record it."""

    @abstractmethod
    def acting_coil(self) -> Row | None:
        """A coil whose writing would act on the world; None if the profile has none."""

    def acting_order(self) -> bytes | None:
        """PDU of a correct write that would act on the world; None if the profile has none."""
        row = self.acting_coil()
        return None if row is None else write_one(5, row.address, 0xFF00)

    @abstractmethod
    def read_only_row(self) -> Row:
        """A register that shows state and must not be written."""

    def boot_limit_s(self) -> float:
        """Twice what its papers say, and a little."""
        return 2 * self.pixit.start_up_s + 2.0

    async def sample(self) -> None:
        """Read the wire and the ground truth once; both are recorded."""
        self.state = await self.wire.read_state()
        await self.look()

    async def while_silent(self) -> None:
        """The ground truth is still to be had."""
        await self.look()


class ModbusView(CaseView[P, X]):
    """What a judge sees of a device behind Modbus TCP."""

    @abstractmethod
    def disturbed(self) -> str | None:
        """What a harmless request did to the world: empty for nothing, None if nobody looked."""

    kept: tuple[str, ...] = ()
    """Points of the state that a refused write must leave as they were."""
