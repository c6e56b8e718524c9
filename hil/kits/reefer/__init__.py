"""The kit of a reefer rack: Modbus behaviour, sockets, temperatures, alarms, TIC 4.0 messages."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Literal, cast

import msgspec

from hil.bench import OPERATOR, POWER, BenchFile, Binder, ModbusDevice, Port, RoleConfig, RoleRule
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.kit import Kit
from hil.papers import Pics, Pixit, Product
from hil.roles import Operator
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


_BENCH = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: modbus (the rack's own wire, or a relay for the mains), mqtt (the broker that the
# monitoring system sends to), twin (an emulated device in another process), manual (a person who
# answers prompts).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[rack]                        # the device under test
driver = "modbus"
host = "127.0.0.1"
port = {port}
unit = 1

[units]                       # boxes with test units, and hands at the plugs
driver = "twin"
url = "{control}"

[monitor]                     # where the messages of the monitoring system are heard
driver = "twin"
url = "{control}"

[power]                       # the controller's, not the sockets'
driver = "twin"
url = "{control}"
"""


class ReeferKit(Kit):
    """Everything that certification has to know of a reefer rack."""

    device = "reefer"
    help = "Modbus behaviour, sockets, temperatures, alarms, TIC 4.0 messages, recovery."
    modules = ("reefer", "reefer_air", "reefer_alarm", "reefer_messages")
    good = (PROFILE,)
    health = ("zero-transaction", "loses-the-sign", "keeps-readings", "no-alarm")
    product = Product(
        vendor="gatetwin",
        model="emulated reefer rack",
        hardware="none",
        firmware="1.0",
        serial="GATETWIN00000003",
    )
    pics_type = ReeferPics
    pixit_type = ReeferPixit
    bench_type = ReeferBench
    rules = {  # noqa: RUF012 - never changed
        "units": RoleRule(("twin", "manual")),
        "monitor": RoleRule(("twin", "mqtt"), {"mqtt": ("host", "port")}),
        "power": POWER,
        "operator": OPERATOR,
    }

    def emulated_pics(self, profile: str) -> ReeferPics:
        """See `Kit`."""
        wire = profiles.load(profile)
        return ReeferPics(
            device=self.device,
            profile=profile,
            function_codes=wire.function_codes,
            max_connections=wire.max_connections,
            unit_filter=True,
            read_only_register=True,
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

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> ReeferSession:
        """See `Kit`; the client works by the papers, not by what a mutant has made of them."""
        assert isinstance(bench, EmulatedReefer)
        assert isinstance(pics, ReeferPics)
        assert isinstance(pixit, ReeferPixit)
        wire = ReeferWire(
            Endpoint("127.0.0.1", port, 1), profiles.load(pics.profile), pics.sockets, clock,
            trace, limit_s=1.0,
        )  # fmt: skip
        roles = ReeferRoles(power=bench, operator=None, units=bench, monitor=bench)
        return ReeferSession(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:
        """See `Kit`."""
        del profile
        return _BENCH.format(id=id, port=where.port, control=where.control, speed=where.speed)

    def bind(
        self,
        file: ReeferBench,
        pics: ReeferPics,
        pixit: ReeferPixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> ReeferSession:
        """See `Kit`."""
        device = file.rack
        wire = ReeferWire(
            Endpoint(device.host, device.port, device.unit), profiles.load(pics.profile),
            pics.sockets, clock, trace, limit_s=device.limit_s * max(1.0, clock.speed),
        )  # fmt: skip
        binder = Binder(clock, trace, stack, ReeferTwinHands, ReeferManualHands, operator=operator)
        person = binder.operator(file.operator)
        units: Any = None
        if file.units is not None:
            by_twin = file.units.driver == "twin"
            units = binder.twin(file.units.url) if by_twin else binder.manual()
        monitor: Any = None
        if file.monitor is not None:
            by_twin = file.monitor.driver == "twin"
            monitor = (
                binder.twin(file.monitor.url) if by_twin
                else AtBroker(file.monitor.host, file.monitor.port or 1883)
            )  # fmt: skip
        roles = ReeferRoles(
            power=binder.power(file.power), operator=person, units=units, monitor=monitor
        )
        session = ReeferSession(clock, trace, wire, roles, pics, pixit)
        stack.callback(session.disconnect)
        return session


KIT = ReeferKit()
