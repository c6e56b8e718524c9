"""The weighbridge's suite object; where its wire is Modbus, it is tested as every one is."""

from __future__ import annotations

from hil.kits.weighbridge.papers import WeighbridgePics, WeighbridgePixit
from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView
from hil.suite import Suite

from . import modbus, modbus_wrong

suite = Suite[WeighbridgeSession, WeighbridgeView](
    "weighbridge",
    "1.0",
    view=WeighbridgeView,
    pics=WeighbridgePics,
    pixit=WeighbridgePixit,
    declaration="WGH-DOC-01",
    start="loaded",
)

WITHOUT = ("WIR-06", "WIR-07", "WIR-20")
"""No scale of ours has coils, a holding register that only shows, or function 43."""

suite.include(modbus.part, truth=["weights"], without=WITHOUT)
suite.include(modbus_wrong.part, truth=["weights"], without=WITHOUT)

HOURS = 12 * 3600.0
"""Limit of a case in which a person carries weights; each single wait has its own deadline."""
