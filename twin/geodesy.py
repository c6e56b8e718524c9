"""Places on the WGS-84 ellipsoid and in a local plane that touches it.

Closed forms: geographic to geocentric and back (EPSG method 9602, the way back by Bowring 1985,
better than a nanometre below 10 km of height), and the east-north-up plane of an origin (EPSG
method 9837). Within 5 km of the origin the plane leaves the ellipsoid by at most 2 m in height,
which `up_m` carries; east and north are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

SEMI_MAJOR_M = 6_378_137.0
"""WGS 84 (NGA.STND.0036)."""
FLATTENING = 1 / 298.257223563
_ECCENTRICITY_2 = FLATTENING * (2 - FLATTENING)
_SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
_SECOND_2 = _ECCENTRICITY_2 / (1 - _ECCENTRICITY_2)


class Geographic(NamedTuple):
    """Latitude and longitude, degrees (north and east positive), and height above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0


class Local(NamedTuple):
    """Metres east, north and up of the origin of a plane."""

    east_m: float
    north_m: float
    up_m: float = 0.0


def geocentric(place: Geographic) -> tuple[float, float, float]:
    """Earth-centred X, Y, Z in metres."""
    lat, lon = math.radians(place.latitude_deg), math.radians(place.longitude_deg)
    prime = SEMI_MAJOR_M / math.sqrt(1 - _ECCENTRICITY_2 * math.sin(lat) ** 2)
    flat = (prime + place.height_m) * math.cos(lat)
    return (
        flat * math.cos(lon), flat * math.sin(lon),
        (prime * (1 - _ECCENTRICITY_2) + place.height_m) * math.sin(lat),
    )  # fmt: skip


def geographic(x_m: float, y_m: float, z_m: float) -> Geographic:
    """The way back from X, Y, Z."""
    flat, radius = math.hypot(x_m, y_m), math.hypot(x_m, y_m, z_m)
    reduced = math.atan2(
        _SEMI_MINOR_M * z_m * (1 + _SECOND_2 * _SEMI_MINOR_M / radius), SEMI_MAJOR_M * flat
    )
    lat = math.atan2(
        z_m + _SECOND_2 * _SEMI_MINOR_M * math.sin(reduced) ** 3,
        flat - _ECCENTRICITY_2 * SEMI_MAJOR_M * math.cos(reduced) ** 3,
    )
    sine, cosine = math.sin(lat), math.cos(lat)
    # well-conditioned at the poles as on the equator
    height = flat * cosine + z_m * sine - SEMI_MAJOR_M * math.sqrt(1 - _ECCENTRICITY_2 * sine**2)
    return Geographic(math.degrees(lat), math.degrees(math.atan2(y_m, x_m)), height)


@dataclass(frozen=True, slots=True)
class Plane:
    """The east-north-up plane of `origin`."""

    origin: Geographic

    def local(self, place: Geographic) -> Local:
        """`place` in the plane."""
        dx, dy, dz = (
            a - b for a, b in zip(geocentric(place), geocentric(self.origin), strict=True)
        )
        sin_lat, cos_lat, sin_lon, cos_lon = self._turn()
        outward = cos_lon * dx + sin_lon * dy
        return Local(
            -sin_lon * dx + cos_lon * dy, -sin_lat * outward + cos_lat * dz,
            cos_lat * outward + sin_lat * dz,
        )  # fmt: skip

    def geographic(self, place: Local) -> Geographic:
        """A place of the plane on the ellipsoid."""
        sin_lat, cos_lat, sin_lon, cos_lon = self._turn()
        outward = -sin_lat * place.north_m + cos_lat * place.up_m
        x, y, z = geocentric(self.origin)
        return geographic(
            x - sin_lon * place.east_m + cos_lon * outward,
            y + cos_lon * place.east_m + sin_lon * outward,
            z + cos_lat * place.north_m + sin_lat * place.up_m,
        )

    def _turn(self) -> tuple[float, float, float, float]:
        lat, lon = math.radians(self.origin.latitude_deg), math.radians(self.origin.longitude_deg)
        return math.sin(lat), math.cos(lat), math.sin(lon), math.cos(lon)


MONG_CAI = Geographic(21.53, 107.97, -20.0)
"""About the middle of Bắc Luân II; 4 m above the sea less 24 m of geoid (*estimate*)."""
