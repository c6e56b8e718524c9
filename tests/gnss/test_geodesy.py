"""The local plane against published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.geodesy import MONG_CAI, Geographic, Local, Plane, geocentric, geographic

EPSG = Geographic(53 + 48 / 60 + 33.820 / 3600, 2 + 7 / 60 + 46.380 / 3600, 73.0)
"""The example of EPSG Guidance Note 7-2, methods 9602 and 9837."""


def test_geocentric_as_in_the_guidance_note() -> None:
    """EPSG 9602: X 3771793.968, Y 140253.342, Z 5124304.349."""
    assert geocentric(EPSG) == pytest.approx((3771793.968, 140253.342, 5124304.349), abs=5e-4)
    back = geographic(3771793.968, 140253.342, 5124304.349)
    assert back.latitude_deg == pytest.approx(EPSG.latitude_deg, abs=1e-8)
    assert back.longitude_deg == pytest.approx(EPSG.longitude_deg, abs=1e-8)
    assert back.height_m == pytest.approx(73.0, abs=1e-3)


def test_the_plane_as_in_the_guidance_note() -> None:
    """EPSG 9837 from 55° N 5° E, 200 m: U -189013.869, V -128642.040, W -4220.171."""
    plane = Plane(Geographic(55.0, 5.0, 200.0))
    assert plane.local(EPSG) == pytest.approx((-189013.869, -128642.040, -4220.171), abs=5e-4)
    back = plane.geographic(Local(-189013.869, -128642.040, -4220.171))
    assert back.latitude_deg == pytest.approx(EPSG.latitude_deg, abs=1e-8)
    assert back.longitude_deg == pytest.approx(EPSG.longitude_deg, abs=1e-8)


def test_a_minute_of_latitude_at_mong_cai() -> None:
    """1/60° is 110,570 to 111,694 m a degree over 60, here 1,845.1 m (radius of curvature)."""
    plane = Plane(MONG_CAI)
    north = plane.local(Geographic(MONG_CAI.latitude_deg + 1 / 60, MONG_CAI.longitude_deg, -20.0))
    sine = math.sin(math.radians(MONG_CAI.latitude_deg))
    e2 = (1 / 298.257223563) * (2 - 1 / 298.257223563)
    radius = 6378137.0 * (1 - e2) / (1 - e2 * sine * sine) ** 1.5
    assert north.north_m == pytest.approx(math.radians(1 / 60) * (radius - 20.0), abs=0.05)
    assert north.east_m == pytest.approx(0.0, abs=1e-6)


@given(st.floats(-5_000, 5_000), st.floats(-5_000, 5_000), st.floats(-50, 200))
def test_there_and_back(east: float, north: float, up: float) -> None:
    """Within 5 km of the bridge the way there and back loses less than a tenth of a millimetre."""
    plane = Plane(MONG_CAI)
    back = plane.local(plane.geographic(Local(east, north, up)))
    assert back == pytest.approx((east, north, up), abs=1e-4)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-500, 9_000))
def test_anywhere_on_earth(lat: float, lon: float, height: float) -> None:
    """The closed form holds from pole to pole."""
    back = geographic(*geocentric(Geographic(lat, lon, height)))
    assert back.latitude_deg == pytest.approx(lat, abs=1e-9)
    assert back.height_m == pytest.approx(height, abs=1e-3)
