"""The kit of a weighbridge: its wire (Modbus or Toledo), metrology after OIML R 76, recovery."""

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
from twin.trace import Record, Trace

from . import bench, curves, templates
from .emulation import (
    PROFILES,
    EmulatedWeighbridge,
    WeighbridgeVariant,
    load_profile,
)
from .papers import WeighbridgePics, WeighbridgePixit
from .session import WeighbridgeRoles, WeighbridgeSession


class WeighbridgeKit(Kit):
    """Everything that certification has to know of a weighbridge."""

    device = "weighbridge"
    help = "Modbus or Toledo frames, metrology after OIML R 76, recovery."
    modules = (
        "weighbridge",
        "weighbridge_error",
        "weighbridge_rest",
        "weighbridge_range",
        "weighbridge_toledo",
        "weighbridge_recovery",
    )
    good = PROFILES
    health = ("zero-transaction", "wrong-span", "claims-settled", "zeroes-what-lies-there")
    product = templates.PRODUCT
    pics_type = WeighbridgePics
    pixit_type = WeighbridgePixit
    bench_type = bench.WeighbridgeBench
    rules = bench.RULES

    def emulated_pics(self, profile: str) -> WeighbridgePics:
        """See `Kit`."""
        return templates.emulated_pics(profile)

    def emulated_pixit(self, profile: str) -> WeighbridgePixit:
        """See `Kit`."""
        return templates.emulated_pixit(profile)

    def emulate(
        self,
        clock: Clock,
        profile: str,
        variant: Variant | None,
        trace: Trace,
        *,
        engine: str,  # noqa: ARG002 - a scale moves in one way only
    ) -> EmulatedBench:
        """See `Kit`."""
        broken = cast("WeighbridgeVariant | None", variant)
        return EmulatedWeighbridge(clock, load_profile(profile), broken, trace=trace)

    def beside(
        self, clock: Clock, trace: Trace, bench_: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> WeighbridgeSession:
        """See `Kit`; the client works by the papers, not by what a mutant has made of them."""
        assert isinstance(bench_, EmulatedWeighbridge)
        assert isinstance(pics, WeighbridgePics)
        assert isinstance(pixit, WeighbridgePixit)
        roles = WeighbridgeRoles(power=bench_, operator=bench_, weights=bench_, thermometer=bench_)
        endpoint = Endpoint("127.0.0.1", port)
        return bench.session(endpoint, pics, pixit, roles, clock, trace)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:  # noqa: ARG002
        """See `Kit`."""
        return templates.BENCH_TOML.format(
            id=id,
            port=where.port,
            control=where.control,
            speed=where.speed,
            # A second of the wall clock at any speed: the other process has to be scheduled.
            limit_s=min(10.0, max(1.0, where.speed)),
        )

    def bind(
        self,
        file: bench.WeighbridgeBench,
        pics: WeighbridgePics,
        pixit: WeighbridgePixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> WeighbridgeSession:
        """See `Kit`."""
        return bench.bind(file, pics, pixit, clock, trace, stack, operator=operator)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """Error against load, settling, creep and return to zero."""
        return curves.curves(records)


KIT = WeighbridgeKit()
