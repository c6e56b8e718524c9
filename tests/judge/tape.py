"""A small language for writing traces by hand: an honest passage a call, then one change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twin.clock import ns
from twin.trace import Record, from_rows


@dataclass
class Line:
    """One record to be: the time may still be changed, the id comes with the order."""

    t_s: float
    source: str
    kind: str
    payload: dict[str, Any]
    cause: Line | None = None


@dataclass
class Tape:
    """Lines in any order; `records()` sorts them by time, keeping the order of equals."""

    lines: list[Line] = field(default_factory=list)
    end_s: float = 2400.0
    _releases: int = 0

    def say(self, t_s: float, source: str, kind: str, /, **payload: Any) -> Line:
        """Add a record; `cause` may be another line."""
        cause = payload.pop("cause", None)
        line = Line(t_s, source, kind, payload, cause)
        self.lines.append(line)
        return line

    def find(self, kind: str, **payload: Any) -> Line:
        """The first line of a kind whose payload has all of `payload`."""
        return next(
            line
            for line in sorted(self.lines, key=lambda line: line.t_s)
            if line.kind == kind
            and all(line.payload.get(name) == value for name, value in payload.items())
        )

    def drop(self, kind: str, **payload: Any) -> None:
        """Take out the first such line."""
        self.lines.remove(self.find(kind, **payload))

    def change(self, kind: str, /, change: dict[str, Any], **payload: Any) -> None:
        """Change the payload of the first such line; `t_s` moves it in time."""
        line = self.find(kind, **payload)
        line.t_s = change.pop("t_s", line.t_s)
        line.payload |= change

    def records(self) -> list[Record]:
        """The trace, between run.start and run.end."""
        ordered = sorted(self.lines, key=lambda line: line.t_s)
        number = {id(line): index + 1 for index, line in enumerate(ordered)}
        rows = [
            (ns(line.t_s), line.source, line.kind, number.get(id(line.cause), -1), line.payload)
            for line in ordered
        ]
        start = {
            "site": "bac-luan-2",
            "day": "2023-05-30",
            "seed": 1,
            "opens_h": 7.0,
            "fidelity": "kinematic",
            "engine": "kinematic",
        }
        return from_rows(
            [
                (0, "run", "run.start", -1, start),
                *rows,
                (ns(self.end_s), "run", "run.end", -1, {"simulated_s": self.end_s}),
            ]
        )

    # --- whole stories ---------------------------------------------------------------------

    def declare(self, vehicle: str, *, channel: str = "green", late_s: float | None = None) -> None:
        """Customs knows the vehicle's declaration; the partner's answer may come late."""
        self.say(
            0.0,
            "partner",
            "partner.declared",
            declaration=f"D-{vehicle}",
            plate=f"14C-{vehicle}",
            channel=channel,
            direction="in",
            preclearance="acknowledged",
        )
        if late_s is not None:
            self.say(
                late_s,
                "partner",
                "partner.preclearance",
                declaration=f"D-{vehicle}",
                status="acknowledged",
            )

    def arrive(
        self,
        t_s: float,
        vehicle: str,
        lane: str = "in-1",
        *,
        why: str = "ok",
        kind: str = "smart",
        laden: bool = True,
        gross_kg: int = 30_000,
    ) -> None:
        """The vehicle joins the queue and enters 5 s later."""
        self.say(
            t_s,
            "world",
            "vehicle.arrived",
            vehicle=vehicle,
            lane=lane,
            direction=lane.partition("-")[0],
            lane_kind=kind,
            laden=laden,
            plate=f"14C-{vehicle}",
            plate_country="VN",
            trailer_plate=None,
            container=None,
            declaration=f"D-{vehicle}",
            gross_kg=gross_kg,
            should="pass" if why == "ok" else "divert",
            why=why,
        )
        self.say(t_s + 5, "world", "vehicle.entered", vehicle=vehicle, lane=lane)
        self.say(t_s + 12, "world", "vehicle.stopped", vehicle=vehicle, lane=lane, front_m=22.0)

    def read(self, t_s: float, vehicle: str, lane: str = "in-1", plate: str | None = None) -> None:
        """The camera reads the plate and says so."""
        told = plate or f"14C-{vehicle}"
        self.say(
            t_s,
            f"{lane}.camera",
            "device.state",
            state="read",
            vehicle=vehicle,
            plate=told,
            manual=False,
        )
        self.say(
            t_s + 0.1,
            f"{lane}.camera",
            "isapi.event",
            conn=0,
            plate=told,
            confidence=90,
            uuid=vehicle,
        )

    def release(self, t_s: float, vehicle: str, lane: str = "in-1", **other: Any) -> str:
        """Customs releases the vehicle."""
        self._releases += 1
        number = f"R{self._releases:06d}"
        self.say(
            t_s,
            "partner",
            "rest.request",
            method="POST",
            path="/v1/releases",
            status=201,
            key=f"key-{vehicle}",
        )
        payload = {
            "declaration": f"D-{vehicle}",
            "plate": f"14C-{vehicle}",
            "release": number,
            "lane": lane,
            "decision": "released",
            "reasons": [],
            "key": f"key-{vehicle}",
        }
        self.say(t_s, "partner", "partner.release", **(payload | other))
        return number

    def arm(self, t_s: float, lane: str, direction: str, *, travel_s: float = 3.0) -> None:
        """The stack commands the arm, and it moves all the way."""
        point = "open" if direction == "up" else "close"
        command = self.say(
            t_s, f"{lane}.barrier", "device.command", point=point, value=True, via="wire"
        )
        self.say(
            t_s + 0.1,
            f"{lane}.arm",
            "arm.motion",
            direction=direction,
            angle_deg=0.0 if direction == "up" else 90.0,
            speed=1.0,
            cause=command,
        )
        at = "open" if direction == "up" else "closed"
        self.say(
            t_s + 0.1 + travel_s,
            f"{lane}.arm",
            "arm.rest",
            angle_deg=90.0 if direction == "up" else 0.0,
            at=at,
        )

    def lamp(self, t_s: float, lane: str, *, green: bool = False, divert: bool = False) -> None:
        """The lamp changes; red is what is not green."""
        self.say(t_s, f"{lane}.light", "lamp", red=not green, green=green, divert=divert)

    def drive_through(
        self,
        t_s: float,
        vehicle: str,
        lane: str = "in-1",
        *,
        followed: bool = False,
        laden: bool = True,
    ) -> None:
        """Move off at `t_s`: under the arm 2 to 8 s later, gone after 15 s."""
        say = self.say
        say(t_s, "world", "vehicle.moving", vehicle=vehicle, lane=lane, front_m=22.0)
        say(t_s + 2, "world", "vehicle.zone", vehicle=vehicle, lane=lane, zone="arm", inside=True)
        say(
            t_s + 7.9,
            "world",
            "vehicle.crossed",
            vehicle=vehicle,
            lane=lane,
            plate=f"14C-{vehicle}",
            declaration=f"D-{vehicle}",
            laden=laden,
            followed=followed,
            opening=1,
        )
        say(t_s + 8, "world", "vehicle.zone", vehicle=vehicle, lane=lane, zone="arm", inside=False)

    def leave(self, t_s: float, vehicle: str, lane: str = "in-1", outcome: str = "crossed") -> None:
        """The vehicle has gone; its times are taken from what was said of it."""
        arrived_s = self.find("vehicle.arrived", vehicle=vehicle).t_s
        self.say(
            t_s,
            "world",
            "vehicle.left",
            vehicle=vehicle,
            lane=lane,
            outcome=outcome,
            arrived_s=arrived_s,
            entered_s=arrived_s + 5,
            left_s=t_s,
            free_s=20.0,
            driver_s=0.0,
            authority_s=0.0,
        )

    def record(
        self, t_s: float, vehicle: str, lane: str = "in-1", event: str = "passed", **other: Any
    ) -> None:
        """The stack tells customs what it believes."""
        payload = {
            "lane": lane,
            "event": event,
            "plate": f"14C-{vehicle}",
            "declaration": f"D-{vehicle}",
            "release": None,
            "gross_kg": 30_000,
        }
        self.say(t_s, "partner", "partner.gate_record", **(payload | other))

    def alarm(self, t_s: float, lane: str, code: str, *, raised: bool = True) -> None:
        """The stack raises (or clears) an alarm."""
        self.say(t_s, "partner", "partner.alarm", lane=lane, code=code, text=code, raised=raised)

    def fault(self, t_s: float, until_s: float | None, target: str, kind: str) -> Line:
        """Something is broken for a while."""
        line = self.say(t_s, target, "fault.begin", kind=kind, target=target, parameters={})
        if until_s is not None:
            self.say(until_s, target, "fault.end", kind=kind, target=target)
        return line

    def passes(
        self,
        t_s: float,
        vehicle: str,
        lane: str = "in-1",
        *,
        late_s: float | None = None,
        gross_kg: int = 30_000,
    ) -> None:
        """One honest passage: arrives at `t_s`, released 16 s later, gone at 40 s."""
        self.declare(vehicle, late_s=late_s)
        self.arrive(t_s, vehicle, lane, gross_kg=gross_kg)
        self.read(t_s + 8, vehicle, lane)
        number = self.release(t_s + 16, vehicle, lane)
        self.arm(t_s + 16.2, lane, "up")
        self.lamp(t_s + 19.4, lane, green=True)
        self.drive_through(t_s + 21, vehicle, lane)
        self.lamp(t_s + 29.2, lane)
        self.arm(t_s + 31, lane, "down")
        self.record(t_s + 31, vehicle, lane, release=number, gross_kg=gross_kg)
        self.leave(t_s + 36, vehicle, lane)

    def diverts(
        self,
        t_s: float,
        vehicle: str,
        lane: str = "in-1",
        *,
        why: str = "channel_red",
        channel: str = "green",
    ) -> None:
        """One honest diversion."""
        self.declare(vehicle, channel=channel)
        self.arrive(t_s, vehicle, lane, why=why)
        self.read(t_s + 8, vehicle, lane)
        self.lamp(t_s + 16, lane, divert=True)
        self.record(t_s + 16.1, vehicle, lane, "diverted")
        self.say(t_s + 18, "world", "vehicle.diverted", vehicle=vehicle, lane=lane, why=why)
        self.lamp(t_s + 27, lane)
        self.leave(t_s + 27, vehicle, lane, "diverted")

    def tail_gates(
        self,
        t_s: float,
        leader: str,
        vehicle: str,
        lane: str = "in-1",
        *,
        why: str = "ok",
        channel: str = "green",
    ) -> None:
        """A passage with a second vehicle on the same opening, alarmed as it should be."""
        self.passes(t_s, leader, lane)
        self.declare(vehicle, channel=channel)
        self.arrive(t_s + 2, vehicle, lane, why=why)
        self.say(
            t_s + 20,
            "world",
            "vehicle.driver",
            vehicle=vehicle,
            lane=lane,
            behaviour="follows_too_close",
            duration_s=0.0,
        )
        self.drive_through(t_s + 27.1, vehicle, lane, followed=True)
        for line in self.lines:  # the arm stays up until the second one is through as well
            if line.source.startswith(f"{lane}.") and line.t_s > t_s + 29.5:
                line.t_s += 8
        self.alarm(t_s + 37, lane, "tailgating")
        self.leave(t_s + 43, vehicle, lane)
