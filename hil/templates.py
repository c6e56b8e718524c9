"""Files to begin with: bench, product, PICS and PIXIT, for an emulated barrier of each profile."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .emulation import ARM, START_UP_S, WATCHDOG_S, load_profile
from .emulator import Where
from .errors import BenchError
from .pics import BarrierPics, BarrierPixit, Product, to_toml


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


EMULATED_PRODUCT = Product(
    vendor="gatetwin",
    model="emulated barrier",
    hardware="none",
    firmware="1.4.0",
    serial="GT-0000000001",
)

_BENCH = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: modbus (the device's own wire, or an instrument with registers), twin (an emulated
# device in another process), manual (a person who answers prompts), feedback (the device's own
# position).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[barrier]                     # the device under test
driver = "modbus"
host = "127.0.0.1"
port = {port}
unit = 1

[inclinometer]                # the true angle of the arm
driver = "twin"
url = "{control}"

[stimulus]                    # obstacles and inputs
driver = "twin"
url = "{control}"

[force_gauge]                 # 500 N/mm spring, 5 s record
driver = "twin"
url = "{control}"

[power]
driver = "twin"
url = "{control}"

[operator]                    # somebody who can be asked
driver = "twin"
url = "{control}"

[[instrument]]
id = "emulated-gauge"
kind = "force gauge"
uncertainty = "5 % of reading"
calibrated_on = 2023-01-10
due_on = 2099-01-10
certificate = "none: an emulated instrument"
"""


DEFAULT = Where(15020, "http://127.0.0.1:15080", 1.0)
"""Where the template looks for an emulated barrier."""


def write(folder: Path, profile: str, *, emulator: Where = DEFAULT) -> list[Path]:
    """Write the four files into `folder`, bench.toml first; nothing is ever overwritten."""
    bench = _BENCH.format(
        id="bench-1" if emulator is DEFAULT else f"emulated-{emulator.port}",
        port=emulator.port,
        control=emulator.control,
        speed=emulator.speed,
    )
    texts = {
        "bench.toml": bench,
        "product.toml": to_toml(msgspec.structs.asdict(EMULATED_PRODUCT)),
        "pics.toml": to_toml(emulated_pics(profile).values()),
        "pixit.toml": to_toml(msgspec.structs.asdict(emulated_pixit(profile))),
    }
    present = [name for name in texts if (folder / name).exists()]
    if present:
        raise BenchError(f"{folder}: {', '.join(present)} exist already; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
