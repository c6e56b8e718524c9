"""What the kits of everything behind an I/O module have in common."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, ClassVar, cast

from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.kit import Kit
from hil.papers import Pics, Pixit
from hil.roles import Operator
from hil.variant import Variant
from twin import profiles
from twin.clock import Clock
from twin.trace import Trace

from . import bench
from .emulation import EmulatedLaneIo, LaneIoVariant
from .roles import LaneIoRoles
from .session import LaneIoSession, LaneIoWire

PROFILE = "remote-io"


class LaneIoKit(Kit):
    """A kit whose device is seen and driven through an I/O module."""

    good = (PROFILE,)
    bench_type = bench.LaneIoBench
    rules = bench.RULES
    session_type: ClassVar[type[LaneIoSession[Any, Any]]]
    roles: ClassVar[tuple[str, ...]]
    """The roles that its bench needs besides power."""

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del profile, engine  # one map, and nothing moves
        broken = cast("LaneIoVariant | None", variant)
        return EmulatedLaneIo(clock, broken, trace, detector="bodies" in self.roles)

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> LaneIoSession[Any, Any]:
        """See `Kit`; the client works by the papers, not by what a mutant has made of them."""
        assert isinstance(bench, EmulatedLaneIo)
        endpoint = Endpoint("127.0.0.1", port, 1)
        wire = LaneIoWire(endpoint, profiles.load(pics.profile), clock, trace, limit_s=1.0)
        roles = LaneIoRoles(power=bench, **dict.fromkeys(self.roles, bench))  # type: ignore[arg-type]
        return self.session_type(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:
        """See `Kit`."""
        del profile
        text = bench.HEAD.format(id=id, port=where.port, speed=where.speed, control=where.control)
        for name in self.roles:
            pad = " " * (28 - len(name))
            text += bench.ROLE.format(
                name=name, pad=pad, doc=bench.DOCS[name], control=where.control
            )
        return text

    def bind(
        self,
        file: bench.LaneIoBench,
        pics: Pics,
        pixit: Pixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> LaneIoSession[Any, Any]:
        """See `Kit`."""
        wire = bench.wire_of(file, pics.profile, clock, trace)
        stack.callback(wire.close)
        roles = bench.roles_of(file, clock, trace, stack, operator)
        return self.session_type(clock, trace, wire, roles, pics, pixit)
