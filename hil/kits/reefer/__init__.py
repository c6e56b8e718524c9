"""The kit of a reefer rack: Modbus behaviour, sockets, temperatures, alarms, TIC 4.0 messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

import msgspec

from hil.bench import (
    HANDS,
    HERE,
    OPERATOR,
    POWER,
    BenchFile,
    Binder,
    ModbusDevice,
    Port,
    RoleConfig,
    RoleRule,
)
from hil.bench_text import MANUAL, TWIN, BenchText
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product, modbus_items
from hil.variant import Variant
from twin import profiles
from twin.clock import Clock
from twin.trace import Trace

from .emulation import PROFILE, SOCKETS, START_UP_S, EmulatedReefer, ReeferVariant
from .hands import ReeferManualHands, ReeferTwinHands
from .papers import ReeferPics, ReeferPixit
from .roles import ReeferRoles
from .session import ReeferSession
from .wire import ReeferWire


class MonitorRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the messages can be heard: a broker by its address, or that of an emulated bench."""

    driver: Literal["twin", "mqtt"]
    url: str = ""
    host: str = ""
    port: Port | None = None


class ReeferBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a rack."""

    rack: ModbusDevice
    units: RoleConfig | None = None
    monitor: MonitorRole | None = None


class AtBroker:
    """A broker by its address."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)

    async def broker(self) -> tuple[str, int]:
        """See `Monitor`."""
        return self._where


class ReeferKit(Kit):
    """Everything that certification has to know of a reefer rack."""

    device = "reefer"
    help = "Modbus behaviour, sockets, temperatures, alarms, TIC 4.0 messages, recovery."
    modules = ("reefer", "reefer_air", "reefer_alarm", "reefer_messages")
    good = (PROFILE,)
    health = ("zero-transaction", "loses-the-sign", "keeps-readings", "no-alarm")
    product = emulated_product("emulated reefer rack", "GATETWIN00000003")
    pics_type = ReeferPics
    pixit_type = ReeferPixit
    bench_type = ReeferBench
    rules = {  # noqa: RUF012 - never changed
        "units": RoleRule(HANDS, doc="boxes with test units, and hands at the plugs"),
        "monitor": RoleRule(
            ("twin", "mqtt"),
            {"mqtt": ("host", "port")},
            "where the messages of the monitoring system are heard",
        ),
        "power": replace(POWER, doc="the controller's, not the sockets'"),
        "operator": OPERATOR,
    }
    text = BenchText(
        (
            "modbus (the rack's own wire, or a relay for the mains)",
            "mqtt (the broker that the monitoring system sends to)",
            TWIN,
            MANUAL,
        ),
        keys=("unit = 1",),
    )
    table = "rack"
    here = ModbusDevice(driver="modbus", host=HERE, port=0)
    roles_type = ReeferRoles
    session_type = ReeferSession
    twin_hands = ReeferTwinHands
    manual_hands = ReeferManualHands

    def emulated_pics(self, profile: str) -> ReeferPics:
        """See `Kit`."""
        return ReeferPics(
            **modbus_items(self.device, profile),
            sockets=SOCKETS,
            plug_orders=True,
            setpoint_orders=True,
            alarms=True,
            messages=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> ReeferPixit:
        """See `Kit`."""
        del profile
        return ReeferPixit(
            response_s=0.1,
            start_up_s=START_UP_S + 1.0,
            show_s=1.0,
            plug_s=310.0,
            setpoint_s=1.0,
            accuracy_k=0.2,
            deviation_k=3.0,
            alarm_s=1800.0,
            setpoint_c_min=-40.0,
            setpoint_c_max=30.0,
            every_s=905.0,
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del profile, engine  # one map, and nothing moves
        return EmulatedReefer(clock, cast("ReeferVariant | None", variant), trace)

    def wire(
        self, at: ModbusDevice, pics: ReeferPics, pixit: ReeferPixit, clock: Clock, trace: Trace
    ) -> ReeferWire:
        """See `Kit`."""
        del pixit
        return ReeferWire(
            Endpoint(at.host, at.port, at.unit), profiles.load(pics.profile), pics.sockets, clock,
            trace, limit_s=at.patience_s(clock),
        )  # fmt: skip

    def play(self, role: str, config: Any, binder: Binder[Any, Any], wire: Any) -> Any:
        """See `Kit`; messages can also be heard at a broker by its address."""
        if config.driver == "mqtt":
            return AtBroker(config.host, config.port or 1883)
        return super().play(role, config, binder, wire)


KIT = ReeferKit()
