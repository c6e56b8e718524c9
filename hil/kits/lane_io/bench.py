"""The bench of an I/O module: which role is played by what."""

from __future__ import annotations

from hil.bench import HANDS, OPERATOR, POWER, BenchFile, ModbusDevice, RoleConfig, RoleRule
from hil.bench_text import MANUAL, TWIN, BenchText


class LaneIoBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml."""

    io: ModbusDevice
    bodies: RoleConfig | None = None
    photometer: RoleConfig | None = None
    contacts: RoleConfig | None = None


RULES = {
    "bodies": RoleRule(HANDS, doc="puts metal on the loops"),
    "photometer": RoleRule(HANDS, doc="measures the lamps"),
    "contacts": RoleRule(HANDS, doc="hands and a meter at the terminals"),
    "power": POWER,
    "operator": OPERATOR,
}

TEXT = BenchText(
    ("modbus (the module's own wire, or a relay for the mains)", TWIN, MANUAL),
    device="the I/O module, the device under test or what it is wired to",
    keys=("unit = 1",),
)
