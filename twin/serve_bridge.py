"""Serve a bridge on the wall clock, for a fleet manager in another process or on another host."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from twin import faults as fault_schedule
from twin.bridge import OPENS_H, Bridge, CarrierKind, Credentials, Radio, Wish, cargo_of, in_phase
from twin.clock import Clock, run_real
from twin.playing import air
from twin.serving import Place, Ready, serve_at
from twin.site import Site
from twin.world.boxes import Profile


@dataclass(frozen=True, slots=True)
class BridgeOrder:
    """What to serve, where and for how long."""

    site: Site
    place: Place = field(default_factory=Place)
    hours: float = 24.0
    """How long boxes come; the bridge is served on after that."""
    boxes_day: int | None = None
    """Containers of a whole day, both ways; None is the site's own demand."""
    seed: int = 0
    speed: float = 1.0
    engine: str = "kinematic"
    faults: Path | None = None
    carrier: CarrierKind = CarrierKind.IGV
    phase: int = 1
    wish: Wish = field(default_factory=Wish)
    profile: Profile = Profile.EVEN

    @property
    def ground(self) -> Site:
        """The site in its phase."""
        return in_phase(self.site, self.phase, self.carrier)


def serve_bridge(order: BridgeOrder, ready: Ready) -> None:
    """Serve until the time is over or the process is told to end."""
    cargo = cargo_of(order.ground, order.carrier)
    with air(order.wish, cargo, order.speed, order.place.host) as (radio, credentials):
        run_real(lambda clock: _serve(clock, order, credentials, radio, ready), speed=order.speed)


async def _serve(
    clock: Clock, order: BridgeOrder, credentials: Credentials | None, radio: Radio, ready: Ready
) -> None:
    trace = order.place.record(clock)
    trace(
        "run", "run.start", scope="bridge", site=order.site.id, seed=order.seed,
        hours=order.hours, boxes_day=order.boxes_day, demand=order.profile.value,
        engine=order.engine, carrier=order.carrier.value, phase=order.phase, stack=order.place.told,
        broker=radio.label, served=True,
        faults=fault_schedule.read(order.faults) if order.faults else None,
    )  # fmt: skip
    bridge = Bridge(
        order.ground, clock, trace, seed=order.seed, engine=order.engine, credentials=credentials,
        radio=radio, carrier=order.carrier,
    )  # fmt: skip
    if order.faults is not None:
        bridge.plan_faults(fault_schedule.load(order.faults, bridge.targets, OPENS_H))
    bridge.expect(bridge.plan(order.hours, order.boxes_day, order.profile))
    await serve_at(order.place, clock, trace, bridge, lambda wires: ready(wires, radio.label))
