"""Our Locust users, and a second, independent record of what each process measured.

The record is a list of microseconds per process, written as JSON to `$LOAD_PARTS/PID.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from locust import events

from loadtests.locust_users import CustomsClient, ModbusPoller

__all__ = ["CustomsClient", "ModbusPoller"]

_service_ms: list[float] = []


@events.request.add_listener
def _keep(response_time: float, **_: Any) -> None:
    _service_ms.append(response_time)


@events.quitting.add_listener
def _write(**_: Any) -> None:
    if _service_ms:
        path = Path(os.environ["LOAD_PARTS"]) / f"{os.getpid()}.json"
        path.write_text(json.dumps(_service_ms))
