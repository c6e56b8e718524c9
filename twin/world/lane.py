"""One truck lane: who stands where, and who is told when a wheel or a bumper passes a place.

Positions are metres along the direction of travel. Nothing is polled: each vehicle carries the
ordered list of places at which something happens, and one timer waits for the next of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import simpy

from twin.clock import Clock
from twin.physics import EventKind
from twin.site import Direction, Geometry
from twin.trace import Trace
from twin.world.arm import Arm, ArmEvent, Obstacle
from twin.world.lamp import Lamp
from twin.world.motion import Motion
from twin.world.vehicle import Vehicle

ZoneWatcher = Callable[[Vehicle, bool], None]

ARM_HALF_WIDTH_M = 0.5
"""A vehicle within this distance of the arm line counts as under the arm."""


@dataclass(slots=True)
class _Trigger:
    front_m: float
    order: int
    fire: Callable[[], None]


@dataclass(slots=True)
class Mover:
    """A vehicle in a lane: its present move and the places still ahead of it."""

    vehicle: Vehicle
    motion: Motion
    triggers: list[_Trigger] = field(default_factory=list)
    next: int = 0
    generation: int = 0
    inside: list[ZoneWatcher] = field(default_factory=list)
    axles_on: list[Callable[[], None]] = field(default_factory=list)
    gone: bool = False


class Lane:
    """Geometry, arm, lamp and the vehicles that are in the lane now."""

    def __init__(
        self,
        id: str,
        direction: Direction,
        kind: str,
        geometry: Geometry,
        *,
        clock: Clock,
        trace: Trace,
        arm: Arm,
    ) -> None:
        self.id, self.direction, self.kind, self.geometry = id, direction, kind, geometry
        self.clock, self.trace, self.arm = clock, trace, arm
        self.lamp = Lamp(f"{id}.light", trace)
        self.movers: list[Mover] = []
        self.queue: list[Vehicle] = []
        self.head = simpy.Resource(clock.env, capacity=1)
        """Held by the vehicle that stands first in the queue."""
        self.leaving: Mover | None = None
        """The vehicle that moves through the arm now."""
        self.sent = 0
        """Vehicles that the marshal has sent here; among equal queues the idler lane is next."""
        self.openings = 0
        """How often the arm has left its closed position."""
        self.seen: simpy.Event = clock.env.event()
        """Renewed and triggered whenever something that a driver sees has changed."""
        self._watches: list[Callable[[Mover], list[_Trigger]]] = []
        self._order = 0
        self._under_arm: list[Vehicle] = []
        self._stop_watchers: list[Callable[[Vehicle], None]] = []
        self.lamp.on_change(self.look)
        arm.on_event(self._arm_moved)
        self._watch_truth()

    def look(self) -> None:
        """Wake the drivers who watch arm, lamp and the truck ahead."""
        seen, self.seen = self.seen, self.clock.env.event()
        seen.succeed()

    def looks_dark(self) -> bool:
        """Whether no lamp is lit at all."""
        return not (self.lamp.red or self.lamp.green or self.lamp.divert)

    def is_free(self) -> bool:
        """Whether the next vehicle may drive up: all others are behind the arm."""
        behind = self.geometry.arm_line_m + self.geometry.arm_loop_m
        return all(
            self.position(mover)[0] - mover.vehicle.length_m > behind for mover in self.movers
        )

    def depart(self, mover: Mover) -> None:
        """`mover` starts through the arm."""
        self.leaving = mover
        self.look()

    def stays(self, mover: Mover) -> None:
        """`mover` has started and brakes again before the arm, as those behind him see."""
        if self.leaving is mover:
            self.leaving = None
        self.look()

    def stopped(self, vehicle: Vehicle) -> None:
        """`vehicle` stands at the stop line."""
        for watcher in self._stop_watchers:
            watcher(vehicle)

    def on_stopped(self, watcher: Callable[[Vehicle], None]) -> None:
        """Call `watcher` when a vehicle has come to rest at the stop line."""
        self._stop_watchers.append(watcher)

    @property
    def arm_coming_down(self) -> bool:
        """Whether the arm moves down now, as anybody can see."""
        return self.arm.moving and self.arm.state.speed_rad_s < 0

    def _arm_moved(self, event: ArmEvent) -> None:
        if event.kind is EventKind.LEFT_CLOSED:
            self.openings += 1
        self.look()

    # --- who watches which place -----------------------------------------------------------

    def watch_zone(self, name: str, from_m: float, to_m: float, callback: ZoneWatcher) -> None:
        """Call back when the first part of a vehicle enters the span and the last leaves it."""
        del name  # for the reader of the call

        def triggers(mover: Mover) -> list[_Trigger]:
            vehicle = mover.vehicle

            def enter() -> None:
                mover.inside.append(callback)
                callback(vehicle, True)

            def leave() -> None:
                mover.inside.remove(callback)
                callback(vehicle, False)

            return [self._at(from_m, enter), self._at(to_m + vehicle.length_m, leave)]

        self._watches.append(triggers)

    def watch_front(self, at_m: float, callback: Callable[[Vehicle], None]) -> None:
        """Call back when a front bumper passes `at_m`."""
        self._watches.append(lambda mover: [self._at(at_m, lambda: callback(mover.vehicle))])

    def watch_axles(self, from_m: float, to_m: float, callback: Callable[[], None]) -> None:
        """Call back when an axle rolls on or off the span."""

        def triggers(mover: Mover) -> list[_Trigger]:
            def on() -> None:
                mover.axles_on.append(callback)
                callback()

            def off() -> None:
                mover.axles_on.remove(callback)
                callback()

            found = []
            for axle in mover.vehicle.axles:
                found.append(self._at(from_m + axle.offset_m, on))
                found.append(self._at(to_m + axle.offset_m, off))
            return found

        self._watches.append(triggers)

    def axle_load_kg(self, from_m: float, to_m: float) -> float:
        """True load on the span now, kg."""
        return sum((load_kg for _, load_kg in self.axles_between(from_m, to_m)), 0.0)

    def axles_between(self, from_m: float, to_m: float) -> Iterator[tuple[float, float]]:
        """Place (m) and load (kg) of each axle that stands on the span now."""
        for mover in self.movers:
            front, _ = mover.motion.at(self.clock.env.now)
            for axle in mover.vehicle.axles:
                # An axle is told of at the nanosecond before or after it is there: it counts as
                # there, at either end of the span.
                if from_m <= front - axle.offset_m + 1e-6 < to_m:
                    yield front - axle.offset_m, axle.load_kg

    def watch_high_bed(self, from_m: float, to_m: float, callback: ZoneWatcher) -> None:
        """Call back when only the high bed of a vehicle is above the span, and when no longer."""

        def triggers(mover: Mover) -> list[_Trigger]:
            vehicle = mover.vehicle
            low_m, high_m = vehicle.high_bed
            if high_m - low_m <= to_m - from_m:
                return []  # something low is always above the span
            return [
                self._at(to_m + low_m, lambda: callback(vehicle, True)),
                self._at(from_m + high_m, lambda: callback(vehicle, False)),
            ]

        self._watches.append(triggers)

    def _at(self, front_m: float, fire: Callable[[], None]) -> _Trigger:
        self._order += 1
        return _Trigger(front_m, self._order, fire)

    # --- vehicles ----------------------------------------------------------------------------

    def enter(self, vehicle: Vehicle, from_m: float) -> Mover:
        """Put `vehicle` at rest with its front at `from_m`."""
        mover = Mover(vehicle, Motion(self.clock.env.now, from_m, []))
        mover.triggers = sorted(
            (trigger for watch in self._watches for trigger in watch(mover)),
            key=lambda trigger: (trigger.front_m, trigger.order),
        )
        self.movers.append(mover)
        return mover

    def move(self, mover: Mover, motion: Motion) -> None:
        """Let the vehicle follow `motion` from now on."""
        mover.motion = motion
        mover.generation += 1
        self._await_next(mover)

    def remove(self, mover: Mover) -> None:
        """Take the vehicle out of the lane, wherever it stands."""
        mover.gone = True
        mover.generation += 1
        self.movers.remove(mover)
        if self.leaving is mover:
            self.leaving = None
        for watcher in list(mover.inside):
            watcher(mover.vehicle, False)
        for callback in mover.axles_on:
            callback()
        self.look()

    def position(self, mover: Mover) -> tuple[float, float]:
        """Front (m) and speed (m/s) of the vehicle now."""
        return mover.motion.at(self.clock.env.now)

    def _await_next(self, mover: Mover) -> None:
        if mover.next >= len(mover.triggers):
            return
        when = mover.motion.when(mover.triggers[mover.next].front_m)
        if when is None:
            return
        generation = mover.generation
        delay_ns = max(0, when - self.clock.env.now)
        event = self.clock.env.timeout(delay_ns)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: self._fire(mover, generation))

    def _fire(self, mover: Mover, generation: int) -> None:
        if generation != mover.generation:
            return  # the vehicle has changed its mind since
        trigger = mover.triggers[mover.next]
        mover.next += 1
        trigger.fire()
        if generation == mover.generation:
            self._await_next(mover)

    # --- ground truth --------------------------------------------------------------------------

    def _watch_truth(self) -> None:
        g = self.geometry
        behind_m = g.arm_line_m + g.arm_loop_m
        self.watch_zone("behind the arm", behind_m, behind_m + 1e-3, self._passed)
        zones = {
            "approach": (g.approach_from_m, g.approach_to_m),
            "platform": (g.platform_from_m, g.platform_to_m),
            "arm": (g.arm_line_m - ARM_HALF_WIDTH_M, g.arm_line_m + ARM_HALF_WIDTH_M),
            "exit": (g.exit_from_m, g.exit_to_m),
        }
        for name, (from_m, to_m) in zones.items():
            self.watch_zone(name, from_m, to_m, self._zone_recorder(name))

    def _passed(self, vehicle: Vehicle, inside: bool) -> None:
        del vehicle
        if not inside:
            self.look()

    def _zone_recorder(self, zone: str) -> ZoneWatcher:
        def record(vehicle: Vehicle, inside: bool) -> None:
            self.trace(
                "world", "vehicle.zone", vehicle=vehicle.id, lane=self.id, zone=zone, inside=inside
            )
            if zone == "arm":
                self._tell_arm(vehicle, inside)

        return record

    def _tell_arm(self, vehicle: Vehicle, inside: bool) -> None:
        if inside:
            self._under_arm.append(vehicle)
        else:
            self._under_arm.remove(vehicle)
        if not self._under_arm:
            self.arm.set_obstacle(None)
            return
        g, subject = self.geometry, self._under_arm[0]
        self.arm.set_obstacle(
            Obstacle(
                vehicle=subject.id,
                height_m=subject.height_m,
                near_m=g.kerb_m,
                far_m=g.kerb_m + g.vehicle_width_m,
                stiffness_n_m=g.body_stiffness_n_m,
            )
        )
