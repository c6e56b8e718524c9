"""Which actions the emulated vehicle can do, and with what: one table for orders and factsheet."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.instant import ANSWERED
from twin.wires.vda5050.records import Action


class Key(NamedTuple):
    """One parameter of an action; `type` as in the factsheet."""

    key: str
    type: str
    optional: bool = True


class Ability(NamedTuple):
    """One action type: the device's job behind it ("" is answered by the wire)."""

    job: str
    doc: str
    keys: tuple[Key, ...] = ()
    cancel: bool = True
    pause: bool = False


_POSE = tuple(Key(name, "NUMBER", optional=False) for name in ("x", "y", "theta"))
_HERE = (*_POSE, Key("mapId", "STRING", False), Key("lastNodeId", "STRING"))
_MAP = (Key("mapId", "STRING", False), Key("mapVersion", "STRING", False))
_LOAD = (Key("loadId", "STRING"), Key("loadType", "STRING"), Key("stationName", "STRING"))
_ZONES = (Key("zoneSetId", "STRING", False),)

ABILITIES: dict[str, Ability] = {
    "pick": Ability("pick", "a box is set down and locked", _LOAD, pause=True),
    "drop": Ability("drop", "a box is unlocked and lifted", _LOAD, pause=True),
    "detectObject": Ability("detect", "which box stands here", (Key("objectType", "STRING"),)),
    "finePositioning": Ability("position", "to the crane's target", (), pause=True),
    "waitForTrigger": Ability("wait", "until a trigger comes", (Key("triggerType", "ARRAY"),)),
    "startCharging": Ability("charge", "at a charging place"),
    "stopCharging": Ability("unplug", "ends charging"),
    "swapBattery": Ability("swap", "another battery, as new", cancel=False),
    "initPosition": Ability("locate", "tells where it is", _HERE),
    "initializePosition": Ability("locate", "tells where it is", _HERE),
    "downloadMap": Ability(
        "download",
        "stores a map",
        (*_MAP, Key("mapDownloadLink", "STRING"), Key("mapHash", "STRING")),
    ),
    "enableMap": Ability("enable", "uses a stored map", _MAP),
    "deleteMap": Ability("delete", "forgets a stored map", _MAP),
    "logReport": Ability("log", "stores a report", (Key("reason", "STRING"),)),
    "enableZoneSet": Ability("", "uses a stored zone set", _ZONES),
    "deleteZoneSet": Ability("", "forgets a stored zone set", _ZONES),
    "clearInstantActions": Ability("", "forgets instant actions that ended"),
    "clearZoneActions": Ability("", "forgets zone actions that ended"),
}
"""updateCertificate and downloadZoneSet are not among them: the twin has no server to fetch from;
zone sets come on their topic."""

_KINDS: dict[str, Any] = {"STRING": str, "NUMBER": (int, float), "ARRAY": list}


def why_not(
    action: Action, scope: str, dialect: Dialect, jobs: frozenset[str] | None = None
) -> str:
    """Empty if the vehicle can do `action` there, else why not; `jobs`: those of its device."""
    kind = action.action_type
    if kind not in getattr(dialect.actions, scope.lower()):
        return f"{kind} is no action of scope {scope} in {dialect.version}"
    ability = ABILITIES.get(kind)
    if ability is not None and not _done_by(ability, jobs):
        return f"{kind} is not supported"
    if ability is None:
        return "" if scope == "INSTANT" and kind in ANSWERED else f"{kind} is not supported"
    for key in ability.keys:
        value = action.parameter(key.key)
        if value is None:
            if not key.optional:
                return f"{kind} needs {key.key}"
        elif not isinstance(value, _KINDS[key.type]) or isinstance(value, bool):
            return f"{key.key} of {kind} is {value!r}, not a {key.type}"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{key.key} of {kind} is {value}"
    return ""


def _done_by(ability: Ability, jobs: frozenset[str] | None) -> bool:
    return jobs is None or not ability.job or ability.job in jobs


def offered(dialect: Dialect, jobs: frozenset[str] | None = None) -> dict[str, list[str]]:
    """Action types of the vehicle in this dialect, each with its scopes.

    `jobs`: what its device can do; None is everything.
    """
    found: dict[str, list[str]] = {}
    for scope in ("INSTANT", "NODE", "EDGE", "ZONE"):
        for kind in getattr(dialect.actions, scope.lower()):
            ability = ABILITIES.get(kind)
            known = ability is not None and _done_by(ability, jobs)
            if known or (ability is None and scope == "INSTANT" and kind in ANSWERED):
                found.setdefault(kind, []).append(scope)
    return found
