"""The kit of a plate camera: access, alert stream, reading, push, recovery over ISAPI."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal, cast

import msgspec
from markupsafe import Markup

from hil.bench import OPERATOR, POWER, BenchFile, Binder, Port, RoleConfig, RoleRule
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.kit import Kit
from hil.papers import Pics, Pixit, Product, Text
from hil.roles import Operator
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles import camera as profiles
from twin.trace import Record, Trace

from . import curves
from .emulation import PASSWORD, START_UP_S, USER, CameraVariant, EmulatedCamera
from .hands import CameraManualHands, CameraTwinHands
from .papers import CameraPics, CameraPixit
from .roles import CameraRoles
from .session import CameraSession
from .wire import CameraWire


class HttpDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind HTTP: always its own wire."""

    driver: Literal["isapi"]
    host: Text
    port: Port = 80
    limit_s: float = 5.0
    """How long a single answer may take before the wire counts as dead."""


class CameraBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a camera."""

    camera: HttpDevice
    scene: RoleConfig | None = None


_BENCH = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: isapi (the camera's own wire), twin (an emulated device in another process), manual (a
# person who answers prompts).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[camera]                      # the device under test
driver = "isapi"
host = "127.0.0.1"
port = {port}

[scene]                       # vehicles before the lens, and the true time
driver = "twin"
url = "{control}"

[power]
driver = "twin"
url = "{control}"
"""


class CameraKit(Kit):
    """Everything that certification has to know of a plate camera."""

    device = "camera"
    help = "access, alert stream, reading, push, recovery over ISAPI."
    modules = ("camera", "camera_reading", "camera_push")
    good = ("camera.hikvision",)
    health = ("any-password", "misreads", "gives-up")
    product = Product(
        vendor="gatetwin",
        model="emulated plate camera",
        hardware="none",
        firmware="V5.7.18",
        serial="GATETWIN00000001",
    )
    pics_type = CameraPics
    pixit_type = CameraPixit
    bench_type = CameraBench
    rules = {  # noqa: RUF012 - never changed
        "scene": RoleRule(("twin", "manual")),
        "power": POWER,
        "operator": OPERATOR,
    }

    def emulated_pics(self, profile: str) -> CameraPics:
        """See `Kit`."""
        loaded = profiles.load(profile)
        return CameraPics(
            device=self.device,
            profile=profile,
            digest=list(loaded.digest),
            replay_protection=True,
            streams=loaded.max_streams,
            push=True,
            polling=True,
            manual_trigger=True,
            pictures=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> CameraPixit:
        """See `Kit`."""
        loaded = profiles.load(profile)
        return CameraPixit(
            user=USER,
            password=PASSWORD,
            heartbeat_s=loaded.heartbeat_s,
            latency_s=1.0,
            start_up_s=START_UP_S + 2.0,
            read_share=0.93,
            push_retry_s=loaded.push_retry_s,
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del engine  # nothing moves
        return EmulatedCamera(clock, profile, cast("CameraVariant | None", variant), trace)

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> CameraSession:
        """See `Kit`."""
        assert isinstance(bench, EmulatedCamera)
        assert isinstance(pics, CameraPics)
        assert isinstance(pixit, CameraPixit)
        wire = CameraWire("127.0.0.1", port, pixit.user, pixit.password, clock, trace, limit_s=2.0)
        roles = CameraRoles(power=bench, scene=bench)
        return CameraSession(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:
        """See `Kit`."""
        del profile
        return _BENCH.format(id=id, port=where.port, control=where.control, speed=where.speed)

    def bind(
        self,
        file: CameraBench,
        pics: CameraPics,
        pixit: CameraPixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> CameraSession:
        """See `Kit`."""
        device = file.camera
        wire = CameraWire(
            device.host, device.port, pixit.user, pixit.password, clock, trace,
            limit_s=device.limit_s * max(1.0, clock.speed),
        )  # fmt: skip
        stack.push_async_callback(wire.drop)
        binder = Binder(clock, trace, stack, CameraTwinHands, CameraManualHands, operator=operator)
        person = binder.operator(file.operator)
        scene: Any = None
        if file.scene is not None:
            by_twin = file.scene.driver == "twin"
            scene = binder.twin(file.scene.url) if by_twin else binder.manual()
        roles = CameraRoles(power=binder.power(file.power), operator=person, scene=scene)
        session = CameraSession(clock, trace, wire, roles, pics, pixit)
        stack.push_async_callback(session.host.stop)
        return session

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: latency and confidence, vehicle by vehicle."""
        return curves.curves(self.view(records, "reading"))


KIT = CameraKit()
