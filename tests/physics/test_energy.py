"""Energy, charging and swapping against hand calculations and a numerical integration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics import EnergyParameters, PhysicsError

IGV = EnergyParameters()


@pytest.mark.parametrize(
    ("distance_m", "time_s", "load_kg", "kwh"),
    [
        (1000, 0, 70_000, 1.9),
        (1000, 0, 0, 1.2),
        (1000, 0, 35_000, 1.55),
        (0, 3600, 0, 3.0),
        (10_000, 1800, 70_000, 20.5),
    ],
)
def test_consumption_by_hand(distance_m, time_s, load_kg, kwh):
    """1.9 and 1.2 kWh/km, straight between, and 3 kW all the time."""
    assert IGV.consumed_kwh(distance_m, time_s, load_kg) == pytest.approx(kwh)


def test_the_range_is_what_makers_say():
    """A full battery at 20 km/h takes an empty vehicle some 200 km and a loaded one some 140."""
    assert IGV.range_km(1.0, 20 / 3.6) == pytest.approx(282 / (1.2 + 0.15))
    assert IGV.range_km(1.0, 20 / 3.6, 70_000) == pytest.approx(282 / (1.9 + 0.15))


def test_a_full_charge_takes_what_makers_say():
    """From low to full in 1.5 to 2 h at 180 kW."""
    assert 1.3 * 3600 < IGV.charging_s(0.0, 1.0) < 2.0 * 3600
    assert IGV.charging_s(0.1, 0.8) == pytest.approx(0.7 * 282 / 180 * 3600)


@given(charge=st.floats(0, 1), time_s=st.floats(0, 10_000))
def test_charging_is_the_integral_of_its_power(charge, time_s):
    """The closed form against ten thousand small steps of power."""
    steps = 2000
    c = charge
    for _ in range(steps):
        half = min(1.0, c + IGV.charging_kw(c) * time_s / steps / 2 / 3600 / IGV.capacity_kwh)
        c = min(1.0, c + IGV.charging_kw(half) * time_s / steps / 3600 / IGV.capacity_kwh)
    assert IGV.charged(charge, time_s) == pytest.approx(c, abs=2e-3)


@given(charge=st.floats(0, 1), target=st.floats(0, 1))
def test_the_time_to_a_charge_is_when_it_is_reached(charge, target):
    """`charged` after `charging_s` is the target; none is needed if it is there."""
    time_s = IGV.charging_s(charge, target)
    if target <= charge:
        assert time_s == 0
    else:
        assert IGV.charged(charge, time_s) == pytest.approx(target)


def test_a_charger_without_taper_charges_in_a_straight_line():
    """Equal powers mean a constant one to the end."""
    flat = EnergyParameters(taper_kw=180.0)
    assert flat.charging_s(0.0, 1.0) == pytest.approx(282 / 180 * 3600)
    assert flat.charged(0.0, 282 / 180 * 1800) == pytest.approx(0.5)
    assert flat.charged(0.9, 1e6) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [{"capacity_kwh": 0}, {"efficiency": 1.2}, {"taper_kw": 200.0}, {"low": -0.1}],
)
def test_an_impossible_battery_is_refused(wrong):
    """The error names the parameter and its value."""
    with pytest.raises(PhysicsError, match=next(iter(wrong))):
        EnergyParameters(**wrong)
