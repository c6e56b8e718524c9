"""What the vendor declares: PRODUCT (which device), PICS (what it can do), PIXIT (how to test it).

All three are TOML, strict, and without tacit defaults where a default would exclude a test: a
PICS that is empty or missing is refused, because an empty one used to mean "test nothing" in
other kits. A PIXIT value whose type is marked secret never leaves memory in clear text.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar

import msgspec

from twin import profiles, strict_toml
from twin.errors import ConfigError

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
REDACTED = "***"

Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
FunctionCode = Annotated[int, msgspec.Meta(ge=1, le=127)]

P = TypeVar("P", bound="Pics")
X = TypeVar("X", bound="Pixit")


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The one sample under test."""

    vendor: Text
    model: Text
    hardware: Text
    firmware: Text
    serial: Text
    firmware_sha256: str = ""
    """Digest of the firmware image; subject of the attestation when given."""
    manual: str = ""

    def digest(self) -> str:
        """The firmware's digest, or one over the product's own data when there is none."""
        return (
            self.firmware_sha256
            or hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()
        )


def emulated_product(model: str, serial: str, firmware: str = "1.0") -> Product:
    """The product data of an emulated device."""
    return Product(
        vendor="gatetwin", model=model, hardware="none", firmware=firmware, serial=serial
    )


class Pics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device is declared to do; every item of a kit's own PICS must be answered."""

    device: str
    profile: Text
    """Wire map by name, e.g. `came-gard`."""

    def values(self) -> dict[str, Any]:
        """All items by name, for applicability expressions."""
        return msgspec.structs.asdict(self)


class Pixit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a device is to be tested: declared times and the bench's own numbers."""

    poll_s: Annotated[float, msgspec.Meta(ge=0.02, le=1)] = 0.1
    """How often the wire and the instruments are read; the uncertainty of an instant."""


class ModbusPics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device behind Modbus TCP is declared to do."""

    function_codes: Annotated[list[FunctionCode], msgspec.Meta(min_length=1)]
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=64)]
    unit_filter: bool
    """A request for another unit identifier is not answered with data."""
    read_only_register: bool
    """At least one register is declared read-only and shows the device's state."""


class ModbusItems(TypedDict):
    """The items of `ModbusPics`, by name."""

    device: str
    profile: str
    function_codes: list[int]
    max_connections: int
    unit_filter: bool
    read_only_register: bool


def modbus_items(device: str, profile: str) -> ModbusItems:
    """What the wire of a good emulated device can do, by its profile."""
    wire = profiles.load(profile)
    return ModbusItems(
        device=device,
        profile=profile,
        function_codes=wire.function_codes,
        max_connections=wire.max_connections,
        unit_filter=True,
        read_only_register=True,
    )


class ModbusPixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a device behind Modbus TCP is to be tested."""

    response_s: Seconds
    start_up_s: Seconds
    pipeline_depth: Annotated[int, msgspec.Meta(ge=2, le=64)] = 20


def secret_fields(kind: type[msgspec.Struct]) -> set[str]:
    """Names of the fields of `kind` that are marked secret."""
    found = set()
    for item in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        node = item.type
        while isinstance(node, msgspec.inspect.Metadata):
            if (node.extra or {}).get("secret"):
                found.add(item.name)
            node = node.type
    return found


def redacted(value: msgspec.Struct) -> dict[str, Any]:
    """The fields of `value`, with secrets that are set shown as `***`."""
    hidden = secret_fields(type(value))
    return {
        name: REDACTED if name in hidden and item else item
        for name, item in msgspec.structs.asdict(value).items()
    }


def load_product(path: Path, device: str) -> Product:
    """Read product.toml."""
    return strict_toml.load(_present(path, "product", device), Product)


def load_pics(path: Path, device: str, kind: type[P]) -> P:
    """Read pics.toml; a missing or foreign file is a refusal, never an empty selection."""
    text = _present(path, "PICS", device).read_text(encoding="utf-8")
    data = strict_toml.parse(text, path)
    found = data.get("device", device)
    if found != device:  # said first: a foreign file has foreign keys, too
        raise ConfigError(path, None, "device", f"is for {found!r}, not for {device!r}")
    return strict_toml.convert(data, kind, strict_toml.LineIndex(text), path)


def load_pixit(path: Path, device: str, kind: type[X]) -> X:
    """Read pixit.toml."""
    return strict_toml.load(_present(path, "PIXIT", device), kind)


def _present(path: Path, what: str, device: str) -> Path:
    if not path.is_file():
        raise ConfigError(
            path, None, "", f"there is no {what} file; `gatetwin certify init {device}` writes one"
        )
    return path


def to_toml(values: dict[str, Any]) -> str:
    """Flat values as TOML text, for the copies in the bundle."""
    lines = []
    for name, value in values.items():
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, dict):
            inner = ", ".join(f"{k} = {msgspec.json.encode(v).decode()}" for k, v in value.items())
            text = f"{{ {inner} }}"
        else:
            text = msgspec.json.encode(value).decode()
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"
