"""The kit of a barrier: Modbus behaviour, motion, safety, recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from markupsafe import Markup

from hil.bench import HERE, Binder, ModbusDevice
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.session import Roles
from hil.variant import Variant
from twin.clock import Clock
from twin.physics.engine import ENGINE_NAMES
from twin.trace import Record, Trace

from . import bench, curves, templates
from .emulation import BarrierVariant, EmulatedBarrier, EmulatedOperator, load_profile
from .hands import BarrierManualHands, BarrierTwinHands
from .papers import BarrierPics, BarrierPixit
from .session import BarrierRoles, BarrierSession
from .wire import BarrierWire


class BarrierKit(Kit):
    """Everything that certification has to know of a barrier."""

    device = "barrier"
    help = "Modbus behaviour, motion, safety, recovery."
    modules = (
        "barrier",
        "barrier_motion",
        "barrier_safety",
        "barrier_recovery",
    )
    good = ("came-gard", "remote-io", "magnetic-mgc")
    health = ("zero-transaction", "skewed-position", "ignores-input-at-start", "presses-on")
    engines = tuple(ENGINE_NAMES)
    product = templates.PRODUCT
    pics_type = BarrierPics
    pixit_type = BarrierPixit
    bench_type = bench.BarrierBench
    rules = bench.RULES
    text = templates.TEXT
    table = "barrier"
    here = ModbusDevice(driver="modbus", host=HERE, port=0)
    roles_type = BarrierRoles
    session_type = BarrierSession
    twin_hands = BarrierTwinHands
    manual_hands = BarrierManualHands

    def emulated_pics(self, profile: str) -> BarrierPics:
        """See `Kit`."""
        return templates.emulated_pics(profile)

    def emulated_pixit(self, profile: str) -> BarrierPixit:
        """See `Kit`."""
        return templates.emulated_pixit(profile)

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        broken = cast("BarrierVariant | None", variant)
        return EmulatedBarrier(clock, load_profile(profile), broken, trace=trace, engine=engine)

    def wire(
        self, at: ModbusDevice, pics: BarrierPics, pixit: BarrierPixit, clock: Clock, trace: Trace
    ) -> BarrierWire:
        """See `Kit`."""
        del pixit
        endpoint = Endpoint(at.host, at.port, at.unit)
        return BarrierWire(endpoint, load_profile(pics.profile), clock, trace, limit_s=at.limit_s)

    def roles(self, bench: EmulatedBarrier) -> Roles:
        """See `Kit`."""
        return replace(super().roles(bench), operator=EmulatedOperator(bench))

    def play(self, role: str, config: Any, binder: Binder[Any, Any], wire: Any) -> Any:
        """See `Kit`."""
        return bench.play(role, config, binder, wire)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """Angle and position over one cycle, the obstacle, and the force records."""
        return curves.curves(records)


KIT = BarrierKit()
