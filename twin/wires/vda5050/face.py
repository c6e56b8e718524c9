"""How a device looks to the logic and in the state message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.devices.igv import Igv
from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.abilities import ABILITIES, why_not
from twin.wires.vda5050.messages import Whereabouts
from twin.wires.vda5050.records import Action
from twin.wires.vda5050.zones import Zones

UNSUPPORTED = frozenset({"direction", "minimum_load_handling_device_height"})
"""Optional keys of an edge that such a vehicle has no use for."""

_LENGTH_M = {20: 6.058, 40: 12.192, 45: 13.716}
"""Outside lengths of ISO 668 by their nominal feet."""


class Face:
    """Facts and what is shown of one vehicle."""

    def __init__(
        self,
        igv: Igv,
        dialect: Dialect,
        manufacturer: str,
        serial_number: str,
        zones: Zones,
        places: Mapping[str, tuple[float, float]],
    ) -> None:
        """`places`: nodes that the vehicle's own map knows, m."""
        self._igv, self._dialect, self._zones, self._places = igv, dialect, zones, places
        self.manufacturer, self.serial_number = manufacturer, serial_number
        self.unsupported = UNSUPPORTED
        self.new_base_request = False
        self.node_m = 0.0
        """Place of the last node on the vehicle's way."""

    # --- facts -----------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """Operating mode."""
        return self._igv.mode.value

    @property
    def driving(self) -> bool:
        """Whether it moves."""
        return self._igv.driving

    @property
    def localized(self) -> bool:
        """Whether it knows where it is."""
        return self._igv.localized

    @property
    def pose(self) -> tuple[float, float, float, str]:
        """Believed x, y (m), theta (rad) and map."""
        pose = self._igv.believed
        return pose.x_m, pose.y_m, pose.heading_rad, self._igv.maps.current

    @property
    def tolerance_m(self) -> float:
        """How near a node is "on it"."""
        return self._igv.parameters.tolerance_m

    def knows_map(self, map_id: str) -> bool:
        """Whether that map is enabled, in a version that fits the site."""
        maps = self._igv.maps
        return maps.enabled(map_id) is not None and (map_id != maps.current or maps.fits)

    def knows_node(self, node_id: str) -> bool:
        """Whether its own map has the node."""
        return node_id in self._places

    def place_of(self, node_id: str) -> tuple[float, float] | None:
        """Where its own map has the node."""
        return self._places.get(node_id)

    def can(self, action: Action, scope: str) -> str:
        """Empty if it can do the action, else why not."""
        return why_not(action, scope, self._dialect, self._igv.jobs.kinds)

    def cancellable(self, action_type: str) -> bool:
        """Whether it can be broken off."""
        return action_type not in ABILITIES or ABILITIES[action_type].cancel

    def pausable(self, action_type: str) -> bool:
        """Whether it can be paused."""
        return action_type in ABILITIES and ABILITIES[action_type].pause

    def held_by_hand(self) -> str:
        """What a person has to do first, or empty."""
        return self._igv.why_not_restart()

    # --- what is shown ---------------------------------------------------------------------------

    def whereabouts(self) -> Whereabouts:
        """Position, velocity and way since the last node, all of one instant."""
        igv = self._igv
        seen, sigma_m, localized = igv.carrier.glimpse(), igv.uncertainty_m, igv.localized
        pose, (along, across) = igv.believed_from(seen.pose), seen.direction
        position = {
            "x": round(pose.x_m, 4),
            "y": round(pose.y_m, 4),
            "theta": round(pose.heading_rad, 5),
            "mapId": igv.maps.current,
            "localized": localized,
            "localizationScore": round(1 / (1 + sigma_m), 3) if localized else 0.0,
            "deviationRange": round(3 * sigma_m, 3),
        }
        velocity = {
            "vx": round(seen.speed_m_s * along, 4),
            "vy": round(seen.speed_m_s * across, 4),
            "omega": round(seen.turn_rad_s, 5),
        }
        return Whereabouts(position, velocity, round(max(0.0, seen.way_m - self.node_m), 3))

    @property
    def loads(self) -> list[dict[str, Any]]:
        """Boxes on the deck."""
        found = []
        for spot, box in zip(self._igv.parameters.spots, self._igv.carrier.boxes, strict=False):
            size = {
                "length": _LENGTH_M.get(box.length_ft, 0.3048 * box.length_ft),
                "width": 2.438,
                "height": box.height_m,
            }
            found.append(
                {
                    "loadId": box.number,
                    "loadType": f"{box.length_ft}FT",
                    "loadPosition": spot,
                    "loadDimensions": size,
                    "weight": box.mass_kg,
                }
            )
        return found

    @property
    def power(self) -> dict[str, Any]:
        """`powerSupply`."""
        charge = self._igv.check_battery()
        carrier, energy = self._igv.carrier, self._igv.parameters.energy
        if not self._igv.has_battery:
            return {"stateOfCharge": round(100 * charge, 2), "charging": False}
        speed_m_s = self._igv.parameters.vehicle.loaded_speed_m_s
        reach_m = 1000 * energy.range_km(charge * carrier.health, speed_m_s, carrier.load_kg)
        return {
            "stateOfCharge": round(100 * charge, 2),
            "batteryHealth": round(100 * carrier.health),
            "charging": carrier.charging,
            "range": round(reach_m),
        }

    @property
    def emergency_stop(self) -> str:
        """Which one is pressed."""
        return self._igv.stop.value

    @property
    def field_violation(self) -> bool:
        """Something is in its field."""
        return self._igv.field_violated

    @property
    def maps(self) -> list[dict[str, Any]]:
        """On board."""
        return [
            {"mapId": key[0], "mapVersion": key[1], "mapStatus": "ENABLED" if on else "DISABLED"}
            for key, on in self._igv.maps.stored.items()
        ]

    @property
    def zone_sets(self) -> list[dict[str, Any]]:
        """On board."""
        return self._zones.shown_sets()

    @property
    def zone_requests(self) -> list[dict[str, Any]]:
        """For zones."""
        return self._zones.shown_requests()

    @property
    def edge_requests(self) -> list[dict[str, Any]]:
        """None: it never leaves its trajectory to avoid an obstacle."""
        return []

    @property
    def information(self) -> list[dict[str, Any]]:
        """How it knows where it is."""
        return [{"infoType": "fix", "infoDescriptor": self._igv.fix.value, "infoLevel": "INFO"}]
