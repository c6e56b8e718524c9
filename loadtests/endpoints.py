"""The wire list of a gate (`endpoints.json`): where its devices and services are reached.

`gatetwin serve` writes one; a real gate's is written by hand. With it a load names devices and
points instead of ports and addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from loadtests.errors import LoadError
from loadtests.modbus import ReadBlock
from twin.errors import UnknownName

_WORDS = {"bit": 1, "u16": 1, "s16": 1, "u32": 2, "s32": 2, "f32": 2}
"""Registers by encoding; a text says its own length."""


@dataclass(frozen=True, slots=True)
class ModbusDevice:
    """A Modbus TCP device of the list: `target` is HOST:PORT, `points` what can be read of it."""

    id: str
    target: str
    unit: int
    points: dict[str, ReadBlock]

    def blocks(self, names: tuple[str, ...]) -> list[ReadBlock]:
        """The points of these names, all readable ones without any; raises `UnknownName`."""
        for name in names:
            if name not in self.points:
                raise UnknownName(f"readable point of {self.id}", name, self.points)
        return [self.points[name] for name in names or self.points]


def read(path: Path) -> dict[str, Any]:
    """The wire list as data; raises `LoadError` with the place of what is wrong."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise LoadError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LoadError(f"{path}: not a wire list: {error}") from error
    if found.get("version") != 1:
        raise LoadError(
            f"{path}: wire list of version {found.get('version')!r}; this version reads 1; "
            "next: write it with the same version's `gatetwin serve`"
        )
    return found


def _device(path: Path, device: str, protocol: str, called: str) -> dict[str, Any]:
    """The entry of a device that speaks `protocol`; raises `LoadError` or `UnknownName`."""
    entries = {
        str(entry["id"]): entry
        for lane in read(path).get("lanes", [])
        for entry in lane.values()
        if isinstance(entry, dict) and "id" in entry
    }
    reachable = [name for name, entry in entries.items() if entry.get("protocol") == protocol]
    if device not in entries:
        raise UnknownName(called, device, reachable)
    if device not in reachable:
        raise LoadError(
            f"{path}: {device} speaks {entries[device].get('protocol')}, not {protocol}; "
            f"{called}s: {', '.join(sorted(reachable))}"
        )
    found: dict[str, Any] = entries[device]
    return found


def modbus_device(path: Path, device: str) -> ModbusDevice:
    """The Modbus device of this id, e.g. `in-1.barrier`; raises `LoadError` or `UnknownName`."""
    entry = _device(path, device, "modbus-tcp", "Modbus device")
    try:
        points = {
            name: _block(f"{device} {name}", point)
            for name, point in entry["points"].items()
            if "r" in point.get("access", "r")
        }
        return ModbusDevice(device, f"{entry['host']}:{entry['port']}", entry["unit"], points)
    except (KeyError, TypeError) as error:
        raise LoadError(f"{path}: {device}: its entry lacks {error}") from error


def camera(path: Path, device: str) -> tuple[str, str, str, int]:
    """Address, user, password and channel of a camera; raises `LoadError` or `UnknownName`."""
    entry = _device(path, device, "isapi", "ISAPI camera")
    try:
        address = f"{entry['host']}:{entry['port']}"
        return address, entry["user"], entry["password"], int(entry.get("channel", 1))
    except KeyError as error:
        raise LoadError(f"{path}: {device}: its entry lacks {error}") from error


def toledo_scale(path: Path, device: str) -> str:
    """HOST:PORT of a scale that sends frames; raises `LoadError` or `UnknownName`."""
    entry = _device(path, device, "mettler-toledo-continuous", "Toledo scale")
    try:
        return f"{entry['host']}:{entry['port']}"
    except KeyError as error:
        raise LoadError(f"{path}: {device}: its entry lacks {error}") from error


def _block(label: str, point: dict[str, Any]) -> ReadBlock:
    words = _WORDS.get(point["encoding"]) or int(point["length"])
    return ReadBlock(point["table"], int(point["address"]), words, label)


def customs(path: Path) -> tuple[str, str]:
    """Address and token of the customs service; raises `LoadError` where there is none."""
    service = read(path).get("services", {}).get("customs")
    if not service:
        raise LoadError(f"{path}: lists no service `customs`; next: give --target and --token")
    return str(service["url"]), str(service.get("token", ""))
