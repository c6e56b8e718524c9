"""An emulated sky-rail carrier on a bench: the same hands and wire, a body that hangs from a rail.

The rail is a ring: the test track is its straight, from its last node two half circles and another
straight lead back to the first one.
"""

from __future__ import annotations

import math
import random
from typing import cast

from twin.devices.igv import Igv
from twin.devices.rail_line import RailLine
from twin.devices.sky_rail import SkyCarrier
from twin.devices.sky_rail_jobs import GONE
from twin.devices.sky_rail_words import SkyRailParameters
from twin.physics import DriveEngine, Pose
from twin.trace import Trace
from twin.wires.vda5050.abilities import ABILITIES
from twin.world.carrier import Carrier
from twin.world.rail import Rail, RailNode
from twin.world.rail_carrier import RailCarrier
from twin.world.tables import Tables
from twin.world.wind import Wind

from .emulation import BOOT_S, MAP, SERIAL, TRACK, EmulatedIgv, IgvVariant

PROFILE, VERSION = "sky-rail", "2.1"
_END_M, _RADIUS_M = TRACK[-1][0], 20.0
"""The tightest curve of the rail is 18 m (`RailCarrierParameters`)."""
WAY_BACK = [
    (_END_M + _RADIUS_M, _RADIUS_M), (_END_M, 2 * _RADIUS_M), (0.0, 2 * _RADIUS_M),
    (-_RADIUS_M, _RADIUS_M),
]  # fmt: skip
JOBS = frozenset(ability.job for ability in ABILITIES.values()) - GONE
"""What a carrier that hangs can do."""
BUFFER_S = 0.1
"""The buffer of its control is taken out, so that it has no power as soon as it has no current."""
_COURSES = [0.0] * len(TRACK) + [math.pi / 2, math.pi, math.pi, -math.pi / 2]


def ring() -> Rail:
    """The whole rail."""
    places = [*TRACK, *WAY_BACK]
    nodes = [
        RailNode(f"n{number}", x, y, course)
        for number, ((x, y), course) in enumerate(zip(places, _COURSES, strict=True))
    ]
    count = len(nodes)
    return Rail(nodes, [(f"n{i}", f"n{(i + 1) % count}") for i in range(count)])


class EmulatedSkyRail(EmulatedIgv):
    """One carrier at the first node of the track."""

    def _body(self, engine: DriveEngine, bent: IgvVariant, trace: Trace) -> tuple[Carrier, Igv]:
        usual = {"boot_s": BOOT_S, "position_s": 6.0, "detect_s": 3.0, "buffer_s": BUFFER_S}
        parameters = SkyRailParameters(**{**usual, **bent.parameters})
        line = RailLine("sky-rail", self.clock, trace, ring(), Wind(self.clock, 1))
        body = RailCarrier(
            f"{SERIAL}.body", self.clock, trace, engine, parameters.vehicle, parameters.energy,
            pose=Pose(*TRACK[0], 0.0), buffer_s=parameters.buffer_s,
        )  # fmt: skip
        tables = Tables(trace)
        tables.watch(body)
        # what a mutant breaks in a vehicle it breaks in this one, too
        made = SkyCarrier if bent.igv is Igv else type("Bent", (bent.igv, SkyCarrier), {})
        car = cast("type[SkyCarrier]", made)(
            SERIAL, self.clock, trace, random.Random(1), carrier=body, handover=tables, line=line,
            map_id=MAP, parameters=parameters,
        )  # fmt: skip
        return body, car

    async def switch(self, on: bool) -> None:
        """See `Power`: its current collector."""
        if on == ("collector_lost" in self.igv.faults):
            (self.igv.heal if on else self.igv.inject)("collector_lost")
