"""TIC 4.0 reefer messages that carry a load: as a monitoring system sends them, with stamps.

Each has the instants at which it was due and sent in a member of its own, which every reader passes
over; whoever subscribes reads them back, so a latency runs through the broker to the ears of a
terminal. Written from the published names (reefer messages 2024.012); shares no code with the
twin's own monitoring system.
"""

from __future__ import annotations

import random
import time

import msgspec

from loadtests.errors import LoadError
from loadtests.vda5050 import Stamp
from twin.documents.containers import make

MESSAGE = "reefer message"
SETPOINTS_C = (-25.0, -18.0, -1.0, 4.0, 13.0)


class _Load(msgspec.Struct, frozen=True):
    run: str
    number: int
    due: float
    sent: float


class _Message(msgspec.Struct, frozen=True):
    container: str = msgspec.field(name="ContainerID")
    load: _Load = msgspec.field(name="gatetwinLoad")


_read = msgspec.json.Decoder(_Message)


class ReeferMessages:
    """What a monitoring system says of one box, whose air wanders around its set point."""

    def __init__(self, prefix: str, run: str, seed: str) -> None:
        if not prefix or set(prefix) & set("/+#$\0"):
            raise LoadError(f"prefix {prefix!r}: must be one level of a topic, without / + # $")
        self._luck = random.Random(seed)
        self.box, self._run, self._number = make(self._luck), run, 0
        self.topic = f"{prefix}/cargo/{self.box}/rms"
        self._setpoint_c = self._luck.choice(SETPOINTS_C)

    def message(self, due_s: float, sent_s: float) -> tuple[int, bytes]:
        """Number and content of the next message, 600 bytes as a real one."""
        self._number += 1
        now_ms, back_c = (
            time.time_ns() // 1_000_000,
            self._setpoint_c + self._luck.uniform(0.2, 1.0),
        )
        sensors = {
            "AmbientTemperature": 30.0, "ReturnTemperature": round(back_c, 1),
            "SupplyTemperature": self._setpoint_c, "USDA1": round(back_c, 1),
            "USDA2": round(back_c, 1), "USDA3": None, "CO2": None, "O2": None, "Humidity": None,
        }  # fmt: skip
        connected = {"ContainerConnected": True, "ContainerPowered": True, "Time": now_ms}
        load = {"run": self._run, "number": self._number, "due": due_s, "sent": sent_s}
        return self._number, msgspec.json.encode(
            {
                "ContainerID": self.box, "Events": [connected],
                "MonitoringData": [{"MonitoringTime": now_ms, "SensorData": [sensors]}],
                "SetpointData": [{"TemperatureSetpoint": self._setpoint_c}],
                "gatetwinLoad": load,
            }
        )  # fmt: skip


def read_stamp(payload: bytes) -> Stamp | None:
    """The stamp of a message; None where it has none, or is no message at all."""
    try:
        got = _read.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    load = got.load
    return Stamp(load.run, got.container, load.number, load.due, load.sent)
