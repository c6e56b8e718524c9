"""One broken barrier for each MUST; each must fail its own requirement and few others.

Wire mutants bend the answer (`respond`), the admission of connections (`admit`) or, through
`Meddler`, the bytes on their way. Device mutants bend the controller. Each reproduces a defect
that somebody's product has had.
"""

from __future__ import annotations

from hil.kits.barrier.emulation import BarrierVariant
from hil.variant import Maker
from twin.devices.barrier import Barrier
from twin.wires.modbus import ModbusServer

from . import barrier_controller as controller
from . import barrier_safety as safety
from . import barrier_wire as wire
from . import modbus

_wire = Maker(BarrierVariant, "", ModbusServer)
_controller = Maker(BarrierVariant, "", Barrier)


MUTANTS: list[BarrierVariant] = [
    *modbus.mutants(BarrierVariant, "BAR", connections=4),
    _wire("reads-act", "BAR-WIR-21", wire.ReadsAct),
    BarrierVariant(
        "opens-slowly", "BAR-MOT-01", "Opens in 4.6 s, its papers say 3.5 s.", arm={"open_s": 4.6}
    ),
    BarrierVariant(
        "closes-slowly",
        "BAR-MOT-02",
        "Closes in 4.6 s, its papers say 3.5 s.",
        arm={"close_s": 4.6},
    ),
    _controller("skewed-position", "BAR-MOT-03", controller.SkewedPosition),
    _controller("jumping-position", "BAR-MOT-04", controller.JumpingPosition),
    _controller("says-stopped", "BAR-MOT-05", controller.SaysStopped),
    _controller("open-too-early", "BAR-MOT-06", controller.OpenTooEarly),
    _controller("believes-itself", "BAR-MOT-07", controller.BelievesItself),
    _controller("late-stop", "BAR-MOT-08", controller.LateStop),
    _controller("resumes", "BAR-MOT-09", controller.Resumes),
    _controller("finishes-first", "BAR-MOT-10", controller.FinishesFirst),
    _controller("toggles", "BAR-MOT-11", controller.Toggles),
    _controller("opens-again", "BAR-MOT-12", controller.OpensAgain),
    _controller("counts-starts", "BAR-MOT-13", controller.CountsStarts),
    _controller("partial-is-full", "BAR-MOT-15", controller.PartialIsFull),
    BarrierVariant(
        "bare-edge",
        "BAR-SAF-01",
        "Has no soft edge under the boom.",
        arm={"edge_stiffness_n_m": None},
    ),
    BarrierVariant(
        "presses-on",
        "BAR-SAF-02",
        "A strong motor that reverses a second late.",
        arm={"motor_torque_nm": 900.0},
        faults=(("reversal_late", {"delay_s": 1.0}),),
    ),
    _controller("stops-only", "BAR-SAF-04", safety.StopsOnly),
    _controller("ignores-input-at-start", "BAR-SAF-05", safety.IgnoresInputAtStart),
    _controller("ignores-input-in-motion", "BAR-SAF-06", safety.IgnoresInputInMotion),
    _controller("remembers-close", "BAR-SAF-07", safety.RemembersClose),
    _controller("slow-emergency-stop", "BAR-SAF-08", safety.SlowEmergencyStop),
    _controller("emergency-stop-once", "BAR-SAF-09", safety.EmergencyStopOnce),
    _controller("restarts-on-release", "BAR-SAF-10", safety.RestartsOnRelease),
    BarrierVariant(
        "falls",
        "BAR-REC-01",
        "Badly balanced, and its brake needs power.",
        arm={"brake_holds": False, "balance_share": 0.6},
    ),
    _controller("moves-on-power-return", "BAR-REC-02", safety.MovesOnPowerReturn),
    BarrierVariant(
        "starts-slowly", "BAR-REC-03", "Starts in 8 s, its papers say 3 s.", start_up_s=8.0
    ),
    _controller("remembers-position", "BAR-REC-04", safety.RemembersPosition),
    _controller("forgets-counter", "BAR-REC-05", safety.ForgetsCounter),
    _controller("needs-service", "BAR-REC-06", safety.NeedsService),
    _wire("connection-is-life", "BAR-REC-07", wire.ConnectionIsLife),
    BarrierVariant(
        "falls-back-down",
        "BAR-REC-08",
        "Its I/O module closes the arm when the master is silent.",
        base="remote-io",
        fallback=("barrier_close",),
    ),
    _wire("denies-counter", "BAR-DOC-01", wire.DeniesCounter),
    _controller("rusty-release", "BAR-DOC-03", safety.RustyRelease),
    # What is only a SHOULD is shown to be testable, too.
    BarrierVariant(
        "other-firmware",
        "BAR-DOC-02",
        "Runs another firmware than its papers say.",
        parameters={"firmware": (1, 3, 9)},
    ),
    BarrierVariant(
        "keeps-pressing",
        "BAR-SAF-03",
        "Stays on what it has hit for many seconds.",
        faults=(("reversal_late", {"delay_s": 20.0}),),
    ),
    _controller("scattering", "BAR-MOT-14", controller.Scattering),
    BarrierVariant(
        "nameless",
        "BAR-WIR-20",
        "Has empty texts as its identification.",
        base="remote-io",
        profile={"identification": modbus.NAMELESS},
    ),
]
