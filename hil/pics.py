"""What the vendor declares: PRODUCT (which device), PICS (what it can do), PIXIT (how to test it).

All three are TOML, strict, and without tacit defaults where a default would exclude a test: a
PICS that is empty or missing is refused, because an empty one used to mean "test nothing" in
other kits. A PIXIT value whose type is marked secret never leaves memory in clear text.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any

import msgspec

from twin import strict_toml
from twin.errors import ConfigError

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
REDACTED = "***"

Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
FunctionCode = Annotated[int, msgspec.Meta(ge=1, le=127)]


PAD_SHARE = 0.9
"""The force instrument stands at this share of the arm's length from the pivot."""


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


class BarrierPics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a barrier is declared to do; every item must be answered."""

    device: str
    profile: Text
    """Wire map by name, e.g. `came-gard`."""
    function_codes: Annotated[list[FunctionCode], msgspec.Meta(min_length=1)]
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=64)]
    unit_filter: bool
    """A request for another unit identifier is not answered with data."""
    device_is_io: bool
    """The wire belongs to a remote I/O module with relays, not to the barrier's controller."""
    status_register: bool
    position_feedback: bool
    operation_counter: bool
    firmware_register: bool
    stop_command: bool
    partial_open: bool
    safety_input: bool
    """A free-action input (photocell, loop) that forbids downward motion."""
    emergency_stop: bool
    obstacle_detection: bool
    force_limited: bool
    """Falls under the force limits: no non-contact protection keeps people out."""
    power_controllable: bool
    """The bench can cut the power."""
    manual_release: bool
    watchdog: bool
    """Takes a fall-back when its master is silent."""

    def values(self) -> dict[str, Any]:
        """All items by name, for applicability expressions."""
        return msgspec.structs.asdict(self)


class BarrierPixit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this barrier is to be tested: declared times and the bench's own numbers."""

    opening_s: Seconds
    closing_s: Seconds
    response_s: Seconds
    start_up_s: Seconds
    calibration_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    """Extra time of the first move after power returned."""
    watchdog_s: Seconds = 10.0
    poll_s: Annotated[float, msgspec.Meta(ge=0.02, le=1)] = 0.1
    pipeline_depth: Annotated[int, msgspec.Meta(ge=2, le=64)] = 20
    counts_per_cycle: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    """How much the operation counter rises per opening and closing."""
    arm_length_m: Annotated[float, msgspec.Meta(gt=0.5, le=10)]
    pad_gaps_mm: Annotated[
        list[Annotated[float, msgspec.Meta(ge=20, le=2000)]], msgspec.Meta(min_length=1)
    ] = msgspec.field(default_factory=lambda: [50.0, 300.0, 500.0])
    """Where the force instrument stands: openings under the edge at nine tenths of the arm;
    50, 300 and 500 mm is what test houses quote from EN 12453."""
    service_password: Secret = ""
    """For vendors whose service interface needs one; never written to evidence."""


def pad_angle_deg(pixit: BarrierPixit, gap_mm: float) -> float:
    """The arm's angle when its edge is `gap_mm` above closed, at the instrument's place."""
    return math.degrees(math.asin(gap_mm / 1000 / (PAD_SHARE * pixit.arm_length_m)))


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


def load_product(path: Path) -> Product:
    """Read product.toml."""
    return strict_toml.load(_present(path, "product"), Product)


def load_pics(path: Path) -> BarrierPics:
    """Read pics.toml; a missing or foreign file is a refusal, never an empty selection."""
    pics = strict_toml.load(_present(path, "PICS"), BarrierPics)
    if pics.device != "barrier":
        raise ConfigError(path, None, "device", f"is for {pics.device!r}, not for a barrier")
    return pics


def load_pixit(path: Path) -> BarrierPixit:
    """Read pixit.toml."""
    return strict_toml.load(_present(path, "PIXIT"), BarrierPixit)


def _present(path: Path, what: str) -> Path:
    if not path.is_file():
        raise ConfigError(
            path, None, "", f"there is no {what} file; `gatetwin certify init barrier` writes one"
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
