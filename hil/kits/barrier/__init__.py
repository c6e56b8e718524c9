"""The kit of a barrier: Modbus behaviour, motion, safety, recovery."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import cast

from markupsafe import Markup

from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.kit import Kit
from hil.papers import Pics, Pixit
from hil.roles import Operator
from hil.variant import Variant
from twin.clock import Clock
from twin.physics.engine import ENGINE_NAMES
from twin.trace import Record, Trace

from . import bench, curves, templates
from .emulation import BarrierVariant, EmulatedBarrier, EmulatedOperator, load_profile
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

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> BarrierSession:
        """See `Kit`; the client works by the papers, not by what a mutant has made of them."""
        assert isinstance(bench, EmulatedBarrier)
        assert isinstance(pics, BarrierPics)
        assert isinstance(pixit, BarrierPixit)
        endpoint = Endpoint("127.0.0.1", port, 1)
        wire = BarrierWire(endpoint, load_profile(pics.profile), clock, trace, limit_s=1.0)
        roles = BarrierRoles(
            power=bench,
            operator=EmulatedOperator(bench),
            inclinometer=bench,
            stimulus=bench,
            force_gauge=bench,
        )
        return BarrierSession(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:  # noqa: ARG002
        """See `Kit`."""
        return templates.BENCH_TOML.format(
            id=id, port=where.port, control=where.control, speed=where.speed
        )

    def bind(
        self,
        file: bench.BarrierBench,
        pics: BarrierPics,
        pixit: BarrierPixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> BarrierSession:
        """See `Kit`."""
        return bench.bind(file, pics, pixit, clock, trace, stack, operator=operator)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """Angle and position over one cycle, the obstacle, and the force records."""
        return curves.curves(records)


KIT = BarrierKit()
