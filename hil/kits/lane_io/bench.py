"""The bench of an I/O module: which role is played by what, and how its drivers are made."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from hil.bench import OPERATOR, POWER, BenchFile, Binder, ModbusDevice, RoleConfig, RoleRule
from hil.drivers.raw import Endpoint
from hil.roles import Operator
from twin import profiles
from twin.clock import Clock
from twin.trace import Trace

from .hands import LaneIoManualHands, LaneIoTwinHands
from .roles import LaneIoRoles
from .session import LaneIoWire


class LaneIoBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml."""

    io: ModbusDevice
    bodies: RoleConfig | None = None
    photometer: RoleConfig | None = None
    contacts: RoleConfig | None = None


_HANDS = RoleRule(("twin", "manual"))

RULES = {
    "bodies": _HANDS,
    "photometer": _HANDS,
    "contacts": _HANDS,
    "power": POWER,
    "operator": OPERATOR,
}

HEAD = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: modbus (the module's own wire, or a relay for the mains), twin (an emulated device in
# another process), manual (a person who answers prompts).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[io]                          # the I/O module, the device under test or what it is wired to
driver = "modbus"
host = "127.0.0.1"
port = {port}
unit = 1

[power]
driver = "twin"
url = "{control}"
"""

ROLE = """
[{name}]{pad}# {doc}
driver = "twin"
url = "{control}"
"""

DOCS = {
    "bodies": "puts metal on the loops",
    "photometer": "measures the lamps",
    "contacts": "hands and a meter at the terminals",
}


def roles_of(
    file: LaneIoBench,
    clock: Clock,
    trace: Trace,
    stack: AsyncExitStack,
    operator: Operator | None,
) -> LaneIoRoles:
    """The drivers of all roles; they are closed when `stack` is left."""
    binder = Binder(clock, trace, stack, LaneIoTwinHands, LaneIoManualHands, operator=operator)
    person = binder.operator(file.operator)

    def played(config: RoleConfig | None) -> Any:
        if config is None:
            return None
        return binder.twin(config.url) if config.driver == "twin" else binder.manual()

    return LaneIoRoles(
        power=binder.power(file.power),
        operator=person,
        bodies=played(file.bodies),
        photometer=played(file.photometer),
        contacts=played(file.contacts),
    )


def wire_of(file: LaneIoBench, profile: str, clock: Clock, trace: Trace) -> LaneIoWire:
    """The module's wire."""
    endpoint = Endpoint(file.io.host, file.io.port, file.io.unit)
    return LaneIoWire(endpoint, profiles.load(profile), clock, trace, limit_s=file.io.limit_s)
