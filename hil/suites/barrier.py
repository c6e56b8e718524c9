"""The barrier's suite object; its wire is tested as every Modbus wire is."""

from __future__ import annotations

from hil.kits.barrier.papers import BarrierPics, BarrierPixit
from hil.kits.barrier.session import BarrierSession
from hil.kits.barrier.view import BarrierView
from hil.suite import Suite

from . import modbus, modbus_wrong

suite = Suite[BarrierSession, BarrierView](
    "barrier",
    "1.0",
    view=BarrierView,
    pics=BarrierPics,
    pixit=BarrierPixit,
    declaration="BAR-DOC-01",
    start="closed",
)

suite.include(modbus.part, truth=["inclinometer"])
suite.include(modbus_wrong.part, truth=["inclinometer"])
