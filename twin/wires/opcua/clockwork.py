"""asyncua on the run's clock.

asyncua reads `datetime.now`, `time.monotonic` and `uuid.uuid4` in a few modules: for time stamps,
publishing cycles, session timeouts and event ids. `tame` replaces the names in those modules by
ones that ask the running event loop: on a loop that belongs to a `Clock` they give its civil time,
its monotonic time and numbered ids; on any other loop exactly what they gave before. Nothing else
of asyncua is changed, and a client of asyncua on the same loop is tamed with it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import time as real_time
import uuid as real_uuid
import weakref
from types import ModuleType

from twin.clock import Clock
from twin.hashed import mix

_CLOCKS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bound] = weakref.WeakKeyDictionary()

_DATETIME = (
    "server.address_space", "server.event_generator", "server.internal_server", "server.server",
    "common.ua_utils", "common.connection",
)  # fmt: skip
_TIME = (
    "server.uaprocessor", "server.internal_session", "server.internal_subscription",
    "common.subscription", "crypto.security_policies",
)  # fmt: skip


class _Bound:
    """A clock, and how many ids were given on it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ids = 0


def _bound() -> _Bound | None:
    try:
        return _CLOCKS.get(asyncio.get_running_loop())
    except RuntimeError:
        return None


def civil(clock: Clock) -> dt.datetime:
    """The clock's civil time, in UTC."""
    return clock.day_start.astimezone(dt.UTC) + dt.timedelta(microseconds=clock.now_ns() // 1000)


class _AnyDatetime(type):
    """`isinstance(x, datetime)` in asyncua stays true for every datetime."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, dt.datetime)


class _Datetime(dt.datetime, metaclass=_AnyDatetime):
    """`datetime`, whose `now` is the running clock's."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        bound = _bound()
        if bound is None:
            return dt.datetime.now(tz)  # noqa: TID251 - as before on any other loop
        instant = civil(bound.clock)
        return instant.astimezone(tz) if tz is not None else instant.replace(tzinfo=None)


class _Time(ModuleType):
    """The module `time`, whose `monotonic` is the running clock's."""

    def __getattr__(self, name: str) -> object:
        return getattr(real_time, name)

    @staticmethod
    def monotonic() -> float:
        bound = _bound()
        # the loop's own time, so that deadlines and sleeps are of one kind
        return bound.clock.loop.time() if bound else real_time.monotonic()  # noqa: TID251


class _Uuid(ModuleType):
    """The module `uuid`, whose `uuid4` is numbered on a clock."""

    def __getattr__(self, name: str) -> object:
        return getattr(real_uuid, name)

    @staticmethod
    def uuid4() -> real_uuid.UUID:
        bound = _bound()
        if bound is None:
            return real_uuid.uuid4()  # noqa: TID251 - as before on any other loop
        bound.ids += 1
        return real_uuid.UUID(int=mix(bound.ids, 1) << 64 | mix(bound.ids, 2), version=4)


def tame(clock: Clock) -> None:
    """Bind asyncua to `clock` on its loop; the first call also replaces the names."""
    for module in _DATETIME:
        importlib.import_module(f"asyncua.{module}").datetime = _Datetime  # type: ignore[attr-defined]
    for module in _TIME:
        importlib.import_module(f"asyncua.{module}").time = _Time("time")  # type: ignore[attr-defined]
    generator = importlib.import_module("asyncua.server.event_generator")
    generator.uuid = _Uuid("uuid")  # type: ignore[attr-defined]
    _CLOCKS[clock.loop] = _Bound(clock)
