"""What a plate camera says of itself and how its firmware misbehaves, as data.

`load("camera.hikvision")` reads `twin/profiles/camera.hikvision.toml` strictly. Every quirk
reproduces something that owners of real cameras reported in public; `QUIRKS` names each with its
source, a profile lists those that it has, and a server can switch any of them while it runs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from twin import strict_toml
from twin.errors import ConfigError, UnknownName

QuirkId = Literal[
    "boundary-lf",
    "changed-part-headers",
    "white-list-names",
    "json-events",
    "single-picture",
    "vendor-typos",
    "broken-offset",
    "resend-last-plate",
    "hang-up-when-full",
]

_NODE: Final = "https://github.com/Supergiovane/node-red-contrib-hikvision-ultimate"
_NEXT: Final = "https://github.com/maciej-or/hikvision_next"

QUIRKS: Final[dict[QuirkId, tuple[str, str]]] = {
    "boundary-lf": (
        "The boundary line ends with LF alone; the headers after it with CRLF.",
        f"{_NEXT}/issues/117 (comment of 2023-11-23)",
    ),
    "changed-part-headers": (
        "Part headers are in another order and case, and have no Content-Length.",
        f"{_NODE}/issues/52 (firmware V5.8.20: “Invalid header or no response”; form inferred)",
    ),
    "white-list-names": (
        "List names are whiteList and blackList; newer firmware says allowList and blockList.",
        "Vendor guides “ISAPI (ANPR)”, chapter 3: Blacklist and Whitelist; later editions rename",
    ),
    "json-events": (
        "Events are JSON instead of XML.",
        f"{_NODE} CHANGELOG 0.0.12 (“devices sending XML as well as … JSON”)",
    ),
    "single-picture": (
        "One picture comes; as an object (JSON) where several would be an array.",
        f"{_NODE} CHANGELOG 0.0.18 (“array handling when returning a single plate”)",
    ),
    "vendor-typos": (
        "vehicleModel and vehicleSubLogoRecog are spelt vehileModel and vehileSubLogoRecog.",
        f"{_NEXT} tests/fixtures (ipc1_anpr_plate_detected)",
    ),
    "broken-offset": (
        "Time stamps lose the sign of their offset: 2021-04-06T18:04:2800:00.",
        f"{_NODE}/issues/13",
    ),
    "resend-last-plate": (
        "With every heartbeat the last plate is sent again as if it were new.",
        f"{_NODE}/issues/67, and CHANGELOG 0.0.15 (“the last plate was sent every second”)",
    ),
    "hang-up-when-full": (
        "A stream above the limit is hung up on without an answer, instead of a 503.",
        f"{_NODE}/issues/57 (“socket hang up”)",
    ),
}
"""What each quirk does, and the public report that it reproduces."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Identity(_Strict, frozen=True):
    """What `/ISAPI/System/deviceInfo` tells."""

    manufacturer: str
    model: str
    firmware_version: str
    firmware_released: str
    serial_number: str


class CameraProfile(_Strict, frozen=True):
    """One make and firmware of plate camera on the ISAPI wire."""

    device: Literal["camera"]
    name: str
    title: str
    protocol: Literal["isapi"]
    source: str
    identity: Identity
    realm: str
    digest: list[Literal["MD5", "SHA-256"]]
    """Algorithms offered, the preferred one first."""
    nonce_life_s: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    lockout_failures: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Wrong passwords in a row after which nobody gets in for `lockout_s`; 0: never."""
    lockout_s: Annotated[float, msgspec.Meta(ge=0)] = 1800.0
    boundary: str = "boundary"
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0
    max_streams: Annotated[int, msgspec.Meta(ge=1, le=64)] = 6
    push_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    push_attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    push_retry_s: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    manual_trigger_paths: tuple[str, ...] = (
        "/ISAPI/ITC/manualTrigger",
        "/ISAPI/Traffic/channels/1/manualSnap",
    )
    """Where a PUT makes the camera read at once. Firmware differs; no public list exists."""
    country_codes: dict[Literal["VN", "CN"], Annotated[int, msgspec.Meta(ge=0)]] = {}
    """Numbers in `country` and `CRIndex`; a country without one is 0, unrecognised."""
    quirks: list[QuirkId] = []
    notes: list[str] = []


FOLDER: Final = Path(__file__).parent


def names() -> list[str]:
    """Names of the shipped camera profiles."""
    return sorted(path.name.removesuffix(".toml") for path in FOLDER.glob("camera.*.toml"))


def load(name: str | Path) -> CameraProfile:
    """The profile of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("camera profile", str(name), names())
    return _load(path)


@cache
def _load(path: Path) -> CameraProfile:
    profile = strict_toml.load(path, CameraProfile)
    if not profile.digest:
        raise ConfigError(path, None, "digest", "is empty; name MD5, SHA-256 or both")
    for trigger in profile.manual_trigger_paths:
        if not trigger.startswith("/"):
            raise ConfigError(path, None, "manual_trigger_paths", f"{trigger!r} must begin with /")
    return profile
