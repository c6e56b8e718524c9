"""The kit of a remote I/O module: Modbus behaviour, relays, inputs, watchdog, power."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hil.kits.lane_io.emulation import START_UP_S, WATCHDOG_S
from hil.kits.lane_io.kit import LaneIoKit
from hil.kits.lane_io.papers import RemoteIoPics, RemoteIoPixit
from hil.kits.lane_io.session import LaneIoSession, LaneIoView
from hil.papers import emulated_product, modbus_items
from twin.devices.remote_io import INPUTS, OUTPUTS, PULSED
from twin.trace import Record

from . import curves


class RemoteIoSession(LaneIoSession[RemoteIoPics, RemoteIoPixit]):
    """One run on one bench with an I/O module."""


class RemoteIoView(LaneIoView[RemoteIoPics, RemoteIoPixit]):
    """What a judge sees of an I/O module."""


class RemoteIoKit(LaneIoKit):
    """Everything that certification has to know of an I/O module."""

    device = "remote-io"
    help = "Modbus behaviour, relays, inputs, watchdog, power."
    modules = ("remote_io", "remote_io_recovery")
    health = ("zero-transaction", "slow-relay", "counts-both-edges", "no-watchdog")
    product = emulated_product("emulated remote I/O", "GT-0000000002", "V3.0")
    pics_type = RemoteIoPics
    pixit_type = RemoteIoPixit
    session_type = RemoteIoSession
    needs = ("contacts",)

    def emulated_pics(self, profile: str) -> RemoteIoPics:
        """See `Kit`."""
        return RemoteIoPics(
            **modbus_items(self.device, profile),
            inputs=list(INPUTS),
            relays=[name for name in OUTPUTS if name not in PULSED],
            pulsed=sorted(PULSED),
            counters=True,
            watchdog=True,
            fallback=["lamp_red"],
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> RemoteIoPixit:
        """See `Kit`."""
        del profile
        return RemoteIoPixit(
            response_s=0.1,
            start_up_s=START_UP_S + 1.0,
            relay_s=0.2,
            input_s=0.2,
            pulse_s=0.5,
            watchdog_s=WATCHDOG_S,
            poll_s=0.05,
        )

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: how long relays and inputs take."""
        return curves.curves(self.view(records, "relays"), self.view(records, "inputs"))


KIT: LaneIoKit = RemoteIoKit()
