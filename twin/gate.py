"""Assembles one running gate from a site: world, devices, wires, partner and faults.

Only here do all the parts meet. A gate is started on a clock, gives the wire list that a stack
needs, lets a day or single trucks come, and is stopped.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from twin import faults as fault_schedule
from twin import profiles
from twin.clock import Clock
from twin.devices.barrier import Barrier, BarrierParameters
from twin.devices.base import Device, Faulty
from twin.devices.camera import Camera, CameraParameters
from twin.devices.light import TrafficLight
from twin.devices.loops import CHANNELS, Loops
from twin.devices.remote_io import RemoteIO, RemoteIoParameters
from twin.devices.weighbridge import Weighbridge
from twin.errors import HarnessError
from twin.partner.service import PartnerService
from twin.partner.state import CheckOrder, Declaration, PartnerState
from twin.physics import ArmEngine, ArmParameters, load_engine
from twin.physics.engine_process import EngineProcess
from twin.profiles import camera as camera_profiles
from twin.profiles import toledo as toledo_profiles
from twin.site import LaneSpec, Site
from twin.trace import Trace
from twin.wires.isapi import IsapiServer
from twin.wires.modbus import ModbusServer
from twin.wires.toledo import ToledoServer
from twin.world import traffic
from twin.world.arm import Arm
from twin.world.lane import Lane
from twin.world.traffic import Arrival, Declared
from twin.world.weather import draw_showers
from twin.world.world import World

Fidelity = Literal["kinematic", "physics"]

RELAY = "relay"
"""Profile of a barrier that has no wire of its own: relays of the lane's I/O press its buttons."""

LIMITS_WIRED = frozenset({RELAY, "magnetic-mgc"})
"""Barriers whose limit switches go to the lane's remote I/O, for want of another feedback."""

CAMERA_USER = "gate"

IO_WATCHDOG_S = 5.0
"""A lane's I/O module shows red when its master is silent for this long: a lamp that was green
when the network died would otherwise let everybody pass (estimate; factory setting is off)."""


def engine_of(fidelity: Fidelity, engine: str) -> str:
    """The engine that moves the arms: `engine` matters for physics only."""
    return "kinematic" if fidelity == "kinematic" else engine


class Wire(Protocol):
    """A protocol server of one device."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the bound port."""

    async def stop(self) -> None:
        """Close all connections and the listener."""


@dataclass(slots=True)
class LaneDevices:
    """The devices of one smart lane."""

    barrier: Barrier
    light: TrafficLight
    loops: Loops
    io: RemoteIO
    scale: Weighbridge
    camera: Camera


@dataclass(slots=True)
class _Served:
    """A wire, where it stands in the wire list, and what is said of it there."""

    wire: Wire
    lane: str
    role: str
    entry: dict[str, Any] = field(default_factory=dict)


class Gate:
    """One gate; everything in it is reachable by name."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        trace: Trace,
        *,
        seed: int = 0,
        fidelity: Fidelity = "kinematic",
        engine: str = "pybullet",
        lanes: Iterable[str] | None = None,
        secret: random.Random | None = None,
    ) -> None:
        """Build `site` (or only some of its `lanes`); `secret` draws passwords and tokens."""
        if lanes is not None:
            wanted = list(lanes)
            kept = [lane for lane in site.lanes if lane.id in wanted]
            if len(kept) != len(wanted):
                known = ", ".join(lane.id for lane in site.lanes)
                raise HarnessError(f"{site.id}: lanes {wanted} asked for; it has {known}")
            site = msgspec.structs.replace(site, lanes=kept)
        self.site, self.clock, self.trace, self.seed = site, clock, trace, seed
        midnight = dt.datetime.combine(
            dt.date(2023, 5, 30), dt.time(), dt.timezone(dt.timedelta(hours=site.utc_offset_h))
        )
        clock.begin_day(midnight + dt.timedelta(hours=site.hours.opens_h))
        self.engine_name = engine_of(fidelity, engine)
        self._engine = self._load_engine()
        self._secret = secret or self._rng("secret")
        self.world = World(site, clock, trace, seed, self._arms())
        self.state = PartnerState(
            clock, trace, self._rng("customs"), officer_s=site.traffic.officer.manual_check_s
        )
        self._token = f"{self._secret.getrandbits(128):032x}"
        self._password = f"{self._secret.getrandbits(64):016x}"
        self.customs = PartnerService(self.state, clock, trace, self._token)
        self.devices: dict[str, LaneDevices] = {}
        self.wire_list: dict[str, Any] = {}
        self._served: list[_Served] = []
        for spec in site.lanes:
            if spec.kind == "smart":
                self._furnish(spec, self.world.lanes[spec.id])
        self._join_partner()

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    def _load_engine(self) -> ArmEngine:
        """On the wall clock a rigid-body engine must not hold up the wires while it computes."""
        if self.engine_name == "kinematic" or self.clock.mode == "virtual":
            return load_engine(self.engine_name)

        def tell(event: str, why: str) -> None:
            self.trace("physics", f"engine.{event}", engine=self.engine_name, why=why)

        return EngineProcess(self.engine_name, self.clock, tell)

    def _arms(self) -> dict[str, Arm]:
        engine = self._engine
        return {
            spec.id: Arm(
                f"{spec.id}.arm",
                self.clock,
                self.trace,
                engine,
                ArmParameters(
                    length_m=spec.arm.length_m,
                    open_s=spec.arm.travel_s,
                    close_s=spec.arm.travel_s,
                ),
            )
            for spec in self.site.lanes
        }

    # --- the devices of a lane -----------------------------------------------------------------

    def _furnish(self, spec: LaneSpec, lane: Lane) -> None:
        clock, trace, g = self.clock, self.trace, lane.geometry
        profile_of = {device.role: device.profile for device in spec.devices}

        def place(role: str) -> tuple[str, Clock, Trace, random.Random]:
            name = f"{spec.id}.{role}"
            return name, clock, trace, self._rng(name)

        barrier = Barrier(*place("barrier"), arm=lane.arm, parameters=BarrierParameters())
        light = TrafficLight(*place("light"), lane.lamp)
        loops = Loops(*place("loops"), lane)
        weather = self.world.weather
        scale = Weighbridge(
            *place("scale"), lane, g.platform_from_m, g.platform_to_m, weather=weather
        )
        camera = Camera(
            *place("camera"),
            lane,
            weather,
            CameraParameters(
                trigger_m=g.camera_trigger_m,
                view_to_m=g.camera_trigger_m + 4.0,
                utc_offset_h=self.site.utc_offset_h,
            ),
        )
        io = self._remote_io(place("io"), profile_of["barrier"], barrier, light, loops)
        # An output has a power-on value; whoever wires a lane sets red.
        lamp_red = io.points["lamp_red"].write
        assert lamp_red is not None
        lamp_red(True)
        devices = LaneDevices(barrier, light, loops, io, scale, camera)
        self.devices[spec.id] = devices
        for role, share in spec.wear.items():
            getattr(devices, role).begin_worn(share)
        self._wire_barrier(spec.id, profile_of["barrier"], barrier)
        counters = {f"count_{name}" for name in io.wired if name.startswith("loop_")}
        self._wire_modbus(spec.id, "io", io, profiles.load(profile_of["io"]), io.wired | counters)
        if profile_of["scale"] == "modbus":
            self._wire_modbus(spec.id, "scale", scale, profiles.load("weighbridge"))
        else:
            toledo = toledo_profiles.load("weighbridge")
            server = ToledoServer(scale, toledo, clock=clock, trace=trace)
            self._serve(server, spec.id, "scale", scale, protocol="mettler-toledo-continuous")
        self._wire_camera(spec.id, profile_of["camera"], camera)

    def _remote_io(
        self,
        placed: tuple[str, Clock, Trace, random.Random],
        barrier_profile: str,
        barrier: Barrier,
        light: TrafficLight,
        loops: Loops,
    ) -> RemoteIO:
        inputs: dict[str, tuple[Device, str]] = {
            f"loop_{channel}": (loops, channel) for channel in CHANNELS
        }
        outputs: dict[str, tuple[Device, str]] = {
            f"lamp_{lamp}": (light, lamp) for lamp in ("red", "green", "divert")
        }
        if barrier_profile in LIMITS_WIRED:
            inputs |= {name: (barrier, name) for name in ("limit_open", "limit_closed")}
        if barrier_profile == RELAY:
            outputs |= {
                f"barrier_{name}": (barrier, f"contact_{name}")
                for name in ("open", "close", "stop")
            }
        parameters = RemoteIoParameters(watchdog_s=IO_WATCHDOG_S)
        return RemoteIO(*placed, inputs=inputs, outputs=outputs, parameters=parameters)

    # --- the wires of a lane ---------------------------------------------------------------------

    def _wire_barrier(self, lane: str, profile: str, barrier: Barrier) -> None:
        if profile == RELAY:
            return  # its buttons hang on the remote I/O
        self._wire_modbus(lane, "barrier", barrier, profiles.load(f"barrier.{profile}"))

    def _wire_modbus(
        self,
        lane: str,
        role: str,
        device: Device,
        profile: profiles.Profile,
        only: Iterable[str] | None = None,
    ) -> None:
        server = ModbusServer(device, profile, clock=self.clock, trace=self.trace)
        points = profiles.wire_points(profile, None if only is None else frozenset(only))
        self._serve(
            server,
            lane,
            role,
            device,
            protocol="modbus-tcp",
            profile=profile.name,
            unit=profile.unit_ids[0] or 1,
            points=points,
        )

    def _wire_camera(self, lane: str, profile: str, camera: Camera) -> None:
        loaded = camera_profiles.load(f"camera.{profile}")
        server = IsapiServer(
            camera,
            loaded,
            clock=self.clock,
            trace=self.trace,
            user=CAMERA_USER,
            password=self._password,
            rng=self._rng(f"{lane}.camera.isapi"),
        )
        self._serve(
            server,
            lane,
            "camera",
            camera,
            protocol="isapi",
            profile=loaded.name,
            channel=1,
            user=CAMERA_USER,
            password=self._password,
        )

    def _serve(self, wire: Wire, lane: str, role: str, device: Device, **entry: Any) -> None:
        self._served.append(_Served(wire, lane, role, {"id": device.id, **entry}))

    # --- the partner -----------------------------------------------------------------------------

    def _join_partner(self) -> None:
        self.state.truth = self._plate_at
        self.state.on_manual_check(self._checked_by_hand)
        self.world.on_arrival(lambda arrival, _: self._declare(arrival))

    def _plate_at(self, lane: str) -> str | None:
        found = self.world.lanes.get(lane)
        vehicle = self.world.at_lane(lane) if found is not None else None
        return vehicle.plate if vehicle is not None else None

    def _checked_by_hand(self, order: CheckOrder, duration_s: float) -> None:
        if order.lane in self.world.lanes:
            self.world.authority_held(order.lane, duration_s)

    def _declare(self, arrival: Arrival) -> None:
        declared = arrival.declared
        if declared is not None:
            vehicle = arrival.vehicle
            self.declare(
                declared,
                direction=vehicle.direction,
                trailer_plate=vehicle.trailer_plate,
                container=vehicle.container,
                laden=vehicle.laden,
            )

    def declare(
        self,
        declared: Declared,
        *,
        direction: str,
        trailer_plate: str | None = None,
        container: str | None = None,
        laden: bool = True,
    ) -> None:
        """Put a declaration before the authorities, as its trader did hours ago."""
        now_s = self.clock.now_s()
        before_s = 3 * 3600.0
        self.state.register(
            Declaration(
                number=declared.number,
                direction=direction,  # type: ignore[arg-type]  # the site's directions are these
                plate=declared.plate,
                trailer_plate=trailer_plate,
                container=container,
                laden=laden,
                goods_hs=declared.goods_hs,
                declared_gross_kg=declared.gross_kg,
                channel=declared.channel,
                preclearance=declared.preclearance,
                preclearance_delay_s=before_s + declared.acknowledged_after_arrival_s,
                utc_offset_h=self.site.utc_offset_h,
                axles=declared.axles,
                revoke_after_release_s=declared.revoked_after_release_s,
            ),
            registered_s=now_s - before_s,
        )

    # --- life ------------------------------------------------------------------------------------

    @property
    def wires(self) -> int:
        """How many ports it listens on: one for each served device, and customs'."""
        return len(self._served) + 1

    async def start(self, host: str = "127.0.0.1", first_port: int = 0) -> dict[str, Any]:
        """Serve all wires on `host`; returns the wire list. `first_port` 0 takes free ports."""
        if isinstance(self._engine, EngineProcess):
            await self._engine.start()
        ports = iter(range(first_port, first_port + self.wires)) if first_port else None
        lanes: dict[str, dict[str, Any]] = {
            spec.id: {"id": spec.id, "direction": spec.direction}
            for spec in self.site.lanes
            if spec.kind == "smart"
        }
        for served in self._served:
            port = await served.wire.start(host, next(ports) if ports else 0)
            lanes[served.lane][served.role] = {**served.entry, "host": host, "port": port}
        for lane in lanes.values():
            lane.setdefault(
                "barrier", {"id": f"{lane['id']}.barrier", "protocol": "relay", "via": "io"}
            )
        port = await self.customs.start(host, next(ports) if ports else 0)
        shown = f"[{host}]" if ":" in host else host
        self.wire_list = {
            "version": 1,
            "site": self.site.id,
            "lanes": list(lanes.values()),
            "services": {
                "customs": {
                    "protocol": "rest",
                    "url": f"http://{shown}:{port}/v1",
                    "openapi": f"http://{shown}:{port}/openapi.json",
                    "token": self._token,
                }
            },
            "operations": {"host": "127.0.0.1", "port": 0},
        }
        return self.wire_list

    async def stop(self) -> None:
        """Close every wire."""
        for served in self._served:
            await served.wire.stop()
        await self.customs.stop()
        self._engine.close()

    @property
    def targets(self) -> Mapping[str, Faulty]:
        """Everything that has a fault menu, by its id."""
        found: dict[str, Faulty] = {self.state.id: self.state}
        for lane in self.devices.values():
            for device in (lane.barrier, lane.light, lane.loops, lane.io, lane.scale, lane.camera):
                found[device.id] = device
        for served in self._served:
            if isinstance(served.wire, Faulty):
                found[served.wire.id] = served.wire
        return found

    def plan_faults(self, faults: Iterable[fault_schedule.Fault]) -> None:
        """Have `faults` begin and end at their times."""
        fault_schedule.schedule(faults, self.targets, self.clock, self.site.hours.opens_h)

    def draw_weather(self, date: dt.date) -> None:
        """Let it be as warm and as wet as the site's climate has it on a `date` of this seed."""
        climate, weather = self.site.climate, self.world.weather
        if climate is None:
            return
        weather.mean_c = climate.temperature_c[date.month - 1]
        rng = self._rng(f"weather/{self.site.id}/{date}")
        weather.plan(draw_showers(climate, date, self.site.hours.opens_h, rng))

    async def run_day(self, date: dt.date) -> None:
        """Open, let the weather and the traffic of `date` come and go, and close."""
        self.draw_weather(date)
        await self.run_arrivals(
            traffic.plan(self.site, self.site.day(date), self.seed), self.site.hours.open_s
        )

    async def run_arrivals(self, arrivals: Iterable[Arrival], open_s: float) -> None:
        """Let `arrivals` come within `open_s` seconds; returns when everybody has left."""
        self.world.run_day(arrivals, open_s=open_s, drain_s=self.site.hours.drain_s)
        await self.clock.happened(self.world.done)
