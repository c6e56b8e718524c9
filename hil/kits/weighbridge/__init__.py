"""The kit of a weighbridge: its wire (Modbus or Toledo), metrology after OIML R 76, recovery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from markupsafe import Markup

from hil.bench import HERE, Binder
from hil.drivers.manual import ManualHands
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.roles import Operator
from hil.variant import Variant
from twin.clock import Clock
from twin.trace import Record, Trace

from . import bench, curves, templates
from .emulation import PROFILES, EmulatedWeighbridge, WeighbridgeVariant, load_profile
from .hands import WeighbridgeManualHands, WeighbridgeTwinHands
from .papers import WeighbridgePics, WeighbridgePixit
from .session import ModbusWeighbridgeSession, WeighbridgeRoles, WeighbridgeSession
from .wire import ModbusScaleWire, ToledoWire


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
    text = templates.TEXT
    table = "weighbridge"
    here = bench.ScaleDevice(driver="wire", host=HERE, port=0)
    roles_type = WeighbridgeRoles
    session_type = WeighbridgeSession
    twin_hands = WeighbridgeTwinHands
    manual_hands = WeighbridgeManualHands

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

    def wire(
        self,
        at: bench.ScaleDevice,
        pics: WeighbridgePics,
        pixit: WeighbridgePixit,
        clock: Clock,
        trace: Trace,
    ) -> ToledoWire | ModbusScaleWire:
        """See `Kit`."""
        del pixit
        return bench.wire(at, pics, clock, trace)

    def session(
        self,
        clock: Clock,
        trace: Trace,
        wire: ToledoWire | ModbusScaleWire,
        roles: WeighbridgeRoles,
        pics: WeighbridgePics,
        pixit: WeighbridgePixit,
    ) -> WeighbridgeSession:
        """See `Kit`."""
        if isinstance(wire, ModbusScaleWire):
            return ModbusWeighbridgeSession(clock, trace, wire, roles, pics, pixit)
        return WeighbridgeSession(clock, trace, wire, roles, pics, pixit)

    def play(self, role: str, config: Any, binder: Binder[Any, Any], wire: Any) -> Any:
        """See `Kit`."""
        del wire
        return bench.play(role, config, binder)

    def person(self, file: bench.WeighbridgeBench) -> Callable[[Operator, Clock], ManualHands]:
        """See `Kit`; a person is told which weights to take."""
        weights = file.weights.set if file.weights is not None else []
        return partial(WeighbridgeManualHands, weights=weights)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """Error against load, settling, creep and return to zero."""
        return curves.curves(records)


KIT = WeighbridgeKit()
