"""One broken weighbridge for each MUST; each must fail its own requirement and few others.

Scale mutants bend what is weighed, shown, obeyed or remembered; wire mutants bend the answer or
the frame. Each reproduces a defect that somebody's product has had.
"""

from __future__ import annotations

from hil.kits.weighbridge.emulation import WeighbridgeVariant
from hil.suites.weighbridge import WITHOUT
from hil.variant import Maker
from twin.devices.weighbridge import Weighbridge
from twin.wires.modbus import ModbusServer
from twin.wires.toledo import ToledoServer

from . import modbus
from . import weighbridge_scale as scale
from . import weighbridge_wire as wire

_scale = Maker(WeighbridgeVariant, "WGH-", Weighbridge)
_modbus = Maker(WeighbridgeVariant, "WGH-", ModbusServer)
_toledo = Maker(WeighbridgeVariant, "WGH-", ToledoServer, "toledo")


MUTANTS: list[WeighbridgeVariant] = [
    *modbus.mutants(WeighbridgeVariant, "WGH", connections=4, without=WITHOUT),
    _modbus("reads-act", "WIR-21", wire.ReadsAct),
    _modbus("takes-every-order", "WIR-31", wire.TakesEveryOrder),
    _scale("coarse-zero", "MET-01", scale.CoarseZero),
    _scale("wrong-span", "MET-02", scale.WrongSpan),
    _scale("binding-edge", "MET-03", scale.BindingEdge),
    _scale("sticks", "MET-04", scale.Sticks),
    _scale("scatters", "MET-05", scale.Scatters),
    _scale("weak-corner", "MET-06", scale.WeakCorner),
    _scale("creeps", "MET-07", scale.Creeps),
    _scale("returns-slowly", "MET-08", scale.ReturnsSlowly),
    WeighbridgeVariant(
        "zeroes-a-car",
        "WGH-MET-09",
        "Its zero setting reaches a fifth of Max.",
        parameters={"zero_range": 0.2},
    ),
    _scale("zeroes-in-motion", "MET-10", scale.ZerosInMotion),
    _scale("tares-in-motion", "MET-11", scale.TaresInMotion),
    _scale("rounded-tare", "MET-12", scale.RoundedTare),
    _scale("net-is-light", "MET-13", scale.NetIsLight),
    _scale("hides-tare", "MET-14", scale.HidesTare),
    WeighbridgeVariant(
        "claims-settled",
        "WGH-MET-15",
        "Calls every weight settled.",
        faults=(("motion_stuck", {"value": False}),),
    ),
    _scale("long-motion", "MET-16", scale.LongMotion),
    _scale("blind-to-wheels", "MET-17", scale.BlindToWheels),
    _scale("always-at-zero", "MET-18", scale.AlwaysAtZero),
    _scale("odd-kilograms", "MET-19", scale.OddKilograms),
    _scale("no-overload", "MET-20", scale.NoOverload),
    _scale("no-underload", "MET-21", scale.NoUnderload),
    _scale("loses-sign", "MET-22", scale.LosesSign),
    _scale("eats-small-loads", "MET-23", scale.EatsSmallLoads),
    _toledo("loses-a-byte", "TOL-01", wire.LosesAByte),
    _toledo("leading-zeros", "TOL-02", wire.LeadingZeros),
    _toledo("other-step", "TOL-03", wire.OtherStep),
    _toledo("says-pounds", "TOL-04", wire.SaysPounds),
    _toledo("empty-tare-field", "TOL-05", wire.EmptyTareField),
    WeighbridgeVariant(
        "lazy-output",
        "WGH-TOL-06",
        "Sends four frames a second, its papers say seven.",
        base="toledo",
        profile={"frames_per_s": 4.0},
    ),
    _toledo("wrong-check", "TOL-07", wire.WrongCheck, base="toledo-check"),
    _toledo("hasty-clear", "TOL-08", wire.HastyClear),
    _toledo("never-marks-print", "TOL-09", wire.NeverMarksPrint),
    _toledo("takes-control-codes", "TOL-10", wire.TakesControlCodes),
    WeighbridgeVariant(
        "one-client-less",
        "WGH-TOL-11",
        "Serves one client, its papers say two.",
        base="toledo",
        profile={"max_connections": 1},
    ),
    _toledo("kicks-every-client", "TOL-12", wire.KicksEverybody),
    _toledo("frees-late", "TOL-13", wire.LateFree),
    _scale("zeroes-what-lies-there", "REC-01", scale.ZeroesWhatLiesThere),
    _scale("hidden-tare", "REC-02", scale.HiddenTare),
    WeighbridgeVariant(
        "starts-slowly", "WGH-REC-03", "Starts in 6 s, its papers say 3 s.", start_up_s=6.0
    ),
    _scale("cold-start", "REC-04", scale.ColdStart),
    _modbus("connection-is-life", "REC-05", wire.ConnectionIsLife),
    _modbus("no-sixteen", "DOC-01", wire.NoSixteen),
    WeighbridgeVariant(
        "other-plate",
        "WGH-DOC-02",
        "Its plate says Max 60 t.",
        plate="class III, Max 60000 kg, Min 400 kg, e = 20 kg",
    ),
    WeighbridgeVariant("broken-seal", "WGH-DOC-03", "Its seal is cut.", sealed=False),
]
