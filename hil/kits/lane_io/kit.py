"""What the kits of everything behind an I/O module have in common."""

from __future__ import annotations

from typing import ClassVar, cast

from hil.bench import HERE, ModbusDevice, RoleRule
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import Pics, Pixit
from hil.variant import Variant
from twin import profiles
from twin.clock import Clock
from twin.trace import Trace

from . import bench
from .emulation import EmulatedLaneIo, LaneIoVariant
from .hands import LaneIoManualHands, LaneIoTwinHands
from .roles import LaneIoRoles
from .session import LaneIoWire

PROFILE = "remote-io"


class LaneIoKit(Kit):
    """A kit whose device is seen and driven through an I/O module."""

    good = (PROFILE,)
    bench_type = bench.LaneIoBench
    rules = bench.RULES
    text = bench.TEXT
    table = "io"
    here = ModbusDevice(driver="modbus", host=HERE, port=0)
    roles_type = LaneIoRoles
    twin_hands = LaneIoTwinHands
    manual_hands = LaneIoManualHands
    needs: ClassVar[tuple[str, ...]]
    """The roles that its bench needs besides power."""

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del profile, engine  # one map, and nothing moves
        broken = cast("LaneIoVariant | None", variant)
        return EmulatedLaneIo(clock, broken, trace, detector="bodies" in self.needs)

    @property
    def emulated_roles(self) -> dict[str, RoleRule]:
        """See `Kit`."""
        return {name: self.rules[name] for name in ("power", *self.needs)}

    def wire(
        self, at: ModbusDevice, pics: Pics, pixit: Pixit, clock: Clock, trace: Trace
    ) -> LaneIoWire:
        """See `Kit`."""
        del pixit
        endpoint = Endpoint(at.host, at.port, at.unit)
        return LaneIoWire(endpoint, profiles.load(pics.profile), clock, trace, limit_s=at.limit_s)
