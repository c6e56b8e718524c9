"""The kit of a plate camera: access, alert stream, reading, push, recovery over ISAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from markupsafe import Markup

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Device, Port, RoleConfig, RoleRule
from hil.bench_text import MANUAL, TWIN, BenchText
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product
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


class IsapiDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind ISAPI."""

    driver: Literal["isapi"]
    port: Port = 80
    limit_s: float = 5.0


class CameraBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a camera."""

    camera: IsapiDevice
    scene: RoleConfig | None = None


class CameraKit(Kit):
    """Everything that certification has to know of a plate camera."""

    device = "camera"
    help = "access, alert stream, reading, push, recovery over ISAPI."
    modules = ("camera", "camera_reading", "camera_push")
    good = ("camera.hikvision",)
    health = ("any-password", "misreads", "gives-up")
    product = emulated_product("emulated plate camera", "GATETWIN00000001", "V5.7.18")
    pics_type = CameraPics
    pixit_type = CameraPixit
    bench_type = CameraBench
    rules = {  # noqa: RUF012 - never changed
        "scene": RoleRule(HANDS, doc="vehicles before the lens, and the true time"),
        "power": POWER,
        "operator": OPERATOR,
    }
    text = BenchText(("isapi (the camera's own wire)", TWIN, MANUAL))
    table = "camera"
    here = IsapiDevice(driver="isapi", host=HERE, port=0, limit_s=2.0)
    roles_type = CameraRoles
    session_type = CameraSession
    twin_hands = CameraTwinHands
    manual_hands = CameraManualHands

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

    def wire(
        self, at: IsapiDevice, pics: CameraPics, pixit: CameraPixit, clock: Clock, trace: Trace
    ) -> CameraWire:
        """See `Kit`."""
        del pics
        return CameraWire(
            at.host, at.port, pixit.user, pixit.password, clock, trace,
            limit_s=at.patience_s(clock),
        )  # fmt: skip

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: latency and confidence, vehicle by vehicle."""
        return curves.curves(self.view(records, "reading"))


KIT = CameraKit()
