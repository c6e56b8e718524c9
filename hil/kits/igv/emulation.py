"""An emulated vehicle on a bench: the twin's vehicle, a broker, a short track, hands beside it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hil.emulation import Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.devices.igv import Igv, IgvParameters, Mode, StopKind
from twin.physics import DriveEngine, Pose
from twin.physics.drive_process import DriveProcess, drive_for
from twin.profiles.vda5050 import load
from twin.trace import Trace
from twin.wires.mqtt import MqttServer
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.messages import Writer
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.wires.vda5050.zones import Zones
from twin.world.bays import Bays
from twin.world.carrier import Carrier

from .roles import TruePose

MANUFACTURER, SERIAL, MAP = "gatetwin", "igv-01", "bridge"
TRACK = [(20.0 * number, 0.0) for number in range(6)]
BOOT_S = 5.0


@dataclass(frozen=True)
class IgvVariant(Variant):
    """How an emulated vehicle differs from the good one."""

    vehicle: type[Vehicle] = Vehicle
    logic: type[OrderLogic] | None = None
    writer: type[Writer] | None = None
    zones: type[Zones] | None = None
    igv: type[Igv] = Igv
    topics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields of the dialect's topic rules that differ."""
    dialect: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)


class EmulatedIgv:
    """One vehicle at the first node of the track, and everything hands can do with it."""

    def __init__(
        self, clock: Clock, version: str, variant: IgvVariant | None, trace: Trace, *, engine: str
    ) -> None:
        self.clock = clock
        self.variant = variant if isinstance(variant, IgvVariant) else IgvVariant()
        bent = self.variant
        self.server = MqttServer(
            clock=clock, trace=trace, rng=random.Random(0), detail="connections"
        )
        self._engine = drive_for(engine, clock)
        self.carrier, self.igv = self._body(self._engine, bent, trace)
        dialect = load(version)
        topics = {
            name: msgspec.structs.replace(rule, **bent.topics.get(name, {}))
            for name, rule in dialect.topics.items()
        }
        dialect = msgspec.structs.replace(dialect, topics=topics, **bent.dialect)
        self.vehicle = bent.vehicle(
            self.igv, clock, trace, random.Random(2), manufacturer=MANUFACTURER,
            serial_number=SERIAL, dialect=dialect, timing=Timing(**bent.timing), record=False,
        )  # fmt: skip
        for part, kind in (
            (self.vehicle.logic, bent.logic),
            (self.vehicle.writer, bent.writer),
            (self.vehicle.zones, bent.zones),
        ):
            if kind is not None:
                part.__class__ = kind
        self.hands = Beside(self)
        self._port = 0
        self._away = False

    def _body(self, engine: DriveEngine, bent: IgvVariant, trace: Trace) -> tuple[Carrier, Igv]:
        """Its body, and the controller of it."""
        parameters = IgvParameters(
            **{"boot_s": BOOT_S, "position_s": 6.0, "detect_s": 3.0, **bent.parameters}
        )
        body = Carrier(
            f"{SERIAL}.body", self.clock, trace, engine, parameters.vehicle, parameters.energy,
            pose=Pose(*TRACK[0], 0.0),
        )  # fmt: skip
        igv = bent.igv(
            SERIAL, self.clock, trace, random.Random(1), carrier=body, handover=Bays(trace),
            map_id=MAP, parameters=parameters,
        )  # fmt: skip
        return body, igv

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve the broker and bring the vehicle to it; returns the broker's port."""
        if isinstance(self._engine, DriveProcess):
            await self._engine.start()
        self._port = await self.server.start(host, port)
        self.vehicle.connect("127.0.0.1", self._port)
        return self._port

    async def stop(self) -> None:
        """The vehicle leaves, the broker ends."""
        await self.vehicle.stop()
        await self.server.stop()
        self._engine.close()

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `IgvTwinHands`."""

        async def pose(_: dict[str, Any]) -> Any:
            return (await self.pose())._asdict()

        async def acknowledge(_: dict[str, Any]) -> None:
            self.igv.acknowledge()

        return {
            "pose": pose,
            "acknowledge": acknowledge,
            "power": lambda body: self.switch(bool(body["on"])),
            "link": lambda body: self.link(bool(body["up"])),
            "stop": lambda body: self.press(bool(body["pressed"])),
            "field": lambda body: self.field(bool(body["violated"])),
            "mode": lambda body: self.mode(str(body["name"])),
            "leave": lambda body: self.leave(bool(body["away"])),
        }

    async def pose(self) -> TruePose:
        """See `Track`."""
        pose = self.carrier.pose
        return TruePose(round(pose.x_m, 4), round(pose.y_m, 4), round(self.carrier.speed_m_s, 4))

    async def switch(self, on: bool) -> None:
        """See `Power`."""
        if on == ("battery_dead" in self.igv.faults):
            (self.igv.heal if on else self.igv.inject)("battery_dead")

    async def link(self, up: bool) -> None:
        """See `RadioLink`: half-open, so that the broker has to find out by the keep alive."""
        link = self.server.link(f"{MANUFACTURER}-{SERIAL}")
        if up == ("half_open" in link.faults):
            (link.heal if up else link.inject)("half_open")

    async def press(self, pressed: bool) -> None:
        """See `Attendant.stop`."""
        (self.igv.press_stop if pressed else self.igv.release_stop)(StopKind.MANUAL)

    async def acknowledge(self) -> None:
        """See `Attendant`."""
        self.igv.acknowledge()

    async def field(self, violated: bool) -> None:
        """See `Attendant`."""
        if violated != ("field_violation" in self.igv.faults):
            (self.igv.inject if violated else self.igv.heal)("field_violation")

    async def mode(self, name: str) -> None:
        """See `Attendant`."""
        if self.igv.online and self.igv.mode is not Mode.STARTUP:
            self.igv.set_mode(Mode(name))

    async def leave(self, away: bool) -> None:
        """See `Attendant`."""
        if away and not self._away:
            await self.vehicle.stop()
        elif self._away and not away:
            self.vehicle.connect("127.0.0.1", self._port)
        self._away = away


class Beside:
    """The hands of an emulated vehicle on the same event loop; see `hil.kits.igv.roles`."""

    instant = True

    def __init__(self, bench: EmulatedIgv) -> None:
        self.pose, self.link, self.stop = bench.pose, bench.link, bench.press
        self.acknowledge, self.field, self.mode = bench.acknowledge, bench.field, bench.mode
        self.leave, self.switch = bench.leave, bench.switch
