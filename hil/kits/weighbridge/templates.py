"""Papers of the good emulated weighbridges, and a bench file to begin with."""

from __future__ import annotations

from hil.bench_text import MANUAL, TWIN, BenchText
from hil.papers import emulated_product
from twin.profiles.toledo import ToledoProfile

from .emulation import SCALE, START_UP_S, load_profile
from .metrology import changes_at
from .papers import WeighbridgePics, WeighbridgePixit

_CLASS = "III"


def emulated_pics(profile: str) -> WeighbridgePics:
    """What the good emulated weighbridge of this profile can do."""
    wire = load_profile(profile)
    modbus = not isinstance(wire, ToledoProfile)
    return WeighbridgePics(
        device="weighbridge",
        profile=profile,
        protocol=wire.protocol,
        function_codes=[] if isinstance(wire, ToledoProfile) else wire.function_codes,
        max_connections=wire.max_connections,
        unit_filter=modbus,
        read_only_register=False,
        accuracy_class="III",
        max_kg=SCALE.capacity_kg,
        min_kg=20 * SCALE.division_kg,
        e_kg=SCALE.division_kg,
        tare_command=True,
        zero_signal=modbus,
        check_character=isinstance(wire, ToledoProfile) and wire.checksum,
        overload_loadable=True,
        power_controllable=True,
    )


def emulated_pixit(profile: str) -> WeighbridgePixit:
    """How the good emulated weighbridge is to be tested."""
    wire = load_profile(profile)
    max_kg, e_kg = float(SCALE.capacity_kg), float(SCALE.division_kg)
    edges = changes_at(max_kg, e_kg, _CLASS)
    return WeighbridgePixit(
        response_s=0.1,
        start_up_s=START_UP_S + 1.0,
        settling_s=3.0,
        loads_kg=[20 * e_kg, *edges, 0.75 * max_kg, max_kg],
        eccentric_kg=0.3 * max_kg,
        repeat_kg=0.5 * max_kg,
        creep_kg=max_kg,
        rolling_kg=40_000.0,
        frames_per_s=wire.frames_per_s if isinstance(wire, ToledoProfile) else 1.0,
    )


PRODUCT = emulated_product("emulated weighbridge", "GT-0000000002", "1.0.0")

TEXT = BenchText(
    (
        "wire (the device's own, by the profile in pics.toml)",
        TWIN,
        MANUAL,
        "modbus (an instrument with registers)",
    ),
    keys=("limit_s = {limit_s}",),
    more="""
[[instrument]]
id = "emulated-weights"
kind = "reference weights"
uncertainty = "0.005 % of the mass (class M1)"
calibrated_on = 2023-01-10
due_on = 2099-01-10
certificate = "none: emulated weights"
""",
)
