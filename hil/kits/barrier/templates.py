"""Papers of the good emulated barriers, and a bench file to begin with."""

from __future__ import annotations

from hil.bench_text import MANUAL, TWIN, BenchText
from hil.papers import emulated_product

from .emulation import ARM, START_UP_S, WATCHDOG_S, load_profile
from .papers import BarrierPics, BarrierPixit


def emulated_pics(profile: str) -> BarrierPics:
    """What the good emulated barrier of this profile can do."""
    wire = load_profile(profile)
    points = {row.key for row in wire.rows} | {name for row in wire.rows for name in row.commands}
    return BarrierPics(
        device="barrier",
        profile=profile,
        function_codes=[code for code in wire.function_codes if code != 43 or 14 in wire.mei_types],
        max_connections=wire.max_connections,
        unit_filter=True,
        read_only_register="gate_status" in points and wire.device != "remote-io",
        device_is_io=wire.device == "remote-io",
        status_register="gate_status" in points,
        position_feedback="position_percent" in points,
        operation_counter="operations" in points,
        firmware_register="fw_major" in points,
        stop_command=bool({"stop", "barrier_stop"} & points),
        partial_open="partial_open" in points,
        safety_input=True,
        emergency_stop=True,
        obstacle_detection=True,
        force_limited=True,
        power_controllable=True,
        manual_release=True,
        watchdog=wire.device == "remote-io",
    )


def emulated_pixit(profile: str) -> BarrierPixit:  # noqa: ARG001 - all share one arm today
    """How the good emulated barrier is to be tested."""
    return BarrierPixit(
        opening_s=ARM.open_s + 0.5,
        closing_s=ARM.close_s + 0.5,
        response_s=0.1,
        start_up_s=START_UP_S + 1.0,
        calibration_s=6.0,
        watchdog_s=WATCHDOG_S,
        counts_per_cycle=2,
        arm_length_m=ARM.length_m,
    )


PRODUCT = emulated_product("emulated barrier", "GT-0000000001", "1.4.0")

TEXT = BenchText(
    (
        "modbus (the device's own wire, or an instrument with registers)",
        TWIN,
        MANUAL,
        "feedback (the device's own position)",
    ),
    keys=("unit = 1",),
    more="""
[[instrument]]
id = "emulated-gauge"
kind = "force gauge"
uncertainty = "5 % of reading"
calibrated_on = 2023-01-10
due_on = 2099-01-10
certificate = "none: an emulated instrument"
""",
)
