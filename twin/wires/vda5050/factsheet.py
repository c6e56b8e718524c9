"""The factsheet of an emulated vehicle, from its parameters, in the words of its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.devices.igv import Igv
from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.abilities import ABILITIES, offered
from twin.wires.vda5050.messages import Names
from twin.wires.vda5050.records import MESSAGE_MAX

OPTIONAL = (
    "order.nodes.nodePosition",
    "order.nodes.nodePosition.theta",
    "order.nodes.nodePosition.allowedDeviationXY",
    "order.nodes.nodePosition.allowedDeviationTheta",
    "order.edges.maximumSpeed",
    "order.edges.orientation",
    "order.edges.orientationType",
    "order.edges.length",
    "order.edges.trajectory",
    "order.edges.corridor",
)
"""What an order may carry beyond the required."""
SUPPORTED_ZONES = ("BLOCKED", "LINE_GUIDED", "RELEASE", "SPEED_LIMIT", "ACTION")
_MASSES_KG = {"20": 35_000.0, "40": 40_000.0}
"""Two 20 ft boxes of 35 t at most, or one of 40 ft and 40 t (proposed)."""


def factsheet(
    igv: Igv, dialect: Dialect, limits: Mapping[str, int], timing: Mapping[str, float]
) -> dict[str, Any]:
    """Everything behind the header."""
    names, three = Names(dialect.sent), dialect.instant_states
    p, vehicle = igv.parameters, igv.parameters.vehicle
    kinds = {
        names["mobileRobotKinematics"]: igv.build.kinematics[three],
        names["mobileRobotClass"]: "CARRIER",
    }
    specification: dict[str, Any] = {
        "seriesName": igv.build.series,
        "seriesDescription": igv.build.description,
        **kinds,
        names["maximumLoadMass"]: vehicle.payload_kg,
        "localizationTypes": list(igv.build.localization),
        "navigationTypes": list(igv.build.navigation),
    }
    if three:
        specification["supportedZones"] = list(SUPPORTED_ZONES)
    sheet = {
        "typeSpecification": specification,
        "physicalParameters": {
            names["minimumSpeed"]: 0.0,
            names["maximumSpeed"]: vehicle.speed_cap_m_s,
            names["maximumAcceleration"]: vehicle.acceleration_m_s2,
            names["maximumDeceleration"]: vehicle.service_m_s2,
            names["minimumHeight"]: vehicle.height_m,
            names["maximumHeight"]: vehicle.height_m + 2.896,
            "width": vehicle.width_m,
            "length": vehicle.length_m,
        },
        "protocolLimits": {
            names["maximumStringLengths"]: {names["maximumMessageLength"]: MESSAGE_MAX},
            names["maximumArrayLengths"]: {
                key: value
                for key, value in limits.items()
                if three or key not in ("state.instantActionStates", "state.zoneActionStates")
            },
            "timing": {names[key]: value for key, value in timing.items()},
        },
        "protocolFeatures": {
            "optionalParameters": [
                {"parameter": names[key], "support": "SUPPORTED"} for key in OPTIONAL
            ],
            names["mobileRobotActions"]: [
                _action(kind, scopes, dialect)
                for kind, scopes in offered(dialect, igv.jobs.kinds).items()
            ],
        },
        names["mobileRobotGeometry"]: {
            "wheelDefinitions": _wheels(igv),
            "envelopes2d": [_envelope(igv, names)],
        },
        "loadSpecification": {
            "loadPositions": list(p.spots),
            "loadSets": [_load_set(igv, names, feet) for feet in ("20", "40")],
        },
    }
    if dialect.name != "2.0":
        sheet[names["mobileRobotConfiguration"]] = _configuration(igv, dialect)
    return sheet


def _configuration(igv: Igv, dialect: Dialect) -> dict[str, Any]:
    energy = igv.parameters.energy
    found: dict[str, Any] = {"versions": [{"key": "softwareVersion", "value": "gatetwin"}]}
    if dialect.instant_states and igv.has_battery:
        found["batteryCharging"] = {
            "criticalLowChargingLevel": 100 * energy.critical,
            "minimumDesiredChargingLevel": 100 * energy.low,
            "maximumDesiredChargingLevel": 100 * energy.taper_from,
        }
    return found


def _action(kind: str, scopes: list[str], dialect: Dialect) -> dict[str, Any]:
    ability = ABILITIES.get(kind)
    instant = scopes == ["INSTANT"]
    action: dict[str, Any] = {
        "actionType": kind,
        "actionDescription": ability.doc if ability else "",
        "actionScopes": scopes,
        "actionParameters": [
            {"key": key.key, "valueDataType": key.type, "isOptional": key.optional}
            for key in (ability.keys if ability else ())
        ],
    }
    if dialect.instant_states:
        action["blockingTypes"] = ["NONE"] if instant else list(dialect.blocking)
        action["pauseAllowed"] = ability.pause if ability else False
        action["cancelAllowed"] = ability.cancel if ability else False
    return action


def _wheels(igv: Igv) -> list[dict[str, Any]]:
    vehicle = igv.parameters.vehicle
    return [
        {
            "type": "DRIVE",
            "isActiveDriven": True,
            "isActiveSteered": igv.build.steered,
            "position": {"x": x * vehicle.wheelbase_m / 2, "y": y * vehicle.track_m / 2},
            "diameter": 2 * vehicle.wheel_radius_m,
            "width": 0.4,
        }
        for x in (1, -1)
        for y in (1, -1)
    ]


def _envelope(igv: Igv, names: Names) -> dict[str, Any]:
    x, y = igv.parameters.vehicle.length_m / 2, igv.parameters.vehicle.width_m / 2
    corners = ((x, y), (-x, y), (-x, -y), (x, -y))
    return {
        names["envelope2dId"]: "body",
        names["vertices"]: [{"x": a, "y": b} for a, b in corners],
    }


def _load_set(igv: Igv, names: Names, feet: str) -> dict[str, Any]:
    p, vehicle = igv.parameters, igv.parameters.vehicle
    return {
        "setName": f"{feet} ft",
        "loadType": f"{feet}FT",
        "loadPositions": list(p.spots) if feet == "20" else list(p.spots[:1]),
        "loadDimensions": {"length": 6.058 if feet == "20" else 12.192, "width": 2.438},
        names["loadSet.maximumWeight"].rpartition(".")[2]: min(
            _MASSES_KG[feet], vehicle.payload_kg
        ),
        names["loadSet.maximumSpeed"].rpartition(".")[2]: vehicle.loaded_speed_m_s,
        names["loadSet.maximumAcceleration"].rpartition(".")[2]: vehicle.loaded_acceleration_m_s2,
        names["loadSet.maximumDeceleration"].rpartition(".")[2]: vehicle.service_m_s2,
        "pickTime": p.prepare_s + p.pick_s,
        "dropTime": p.prepare_s + p.drop_s,
    }
