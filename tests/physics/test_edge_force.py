"""The force of the closing edge, as the norm's instrument reads it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tests.physics.engines import engine
from twin.physics import ArmParameters, EdgeForce, edge_force
from twin.physics.edge_force import free_hit_n, speed_at
from twin.physics.parameters import PhysicsError

SOFT = ArmParameters()
BARE = dataclasses.replace(SOFT, edge_stiffness_n_m=None)
FIVE_DEG = math.radians(5)


def closing_hit(p: ArmParameters, **rest: object) -> EdgeForce:
    """A hit 5 degrees before the end, near the hinge, where a drive pushes hardest."""
    return edge_force(p, radius_m=0.5, angle_rad=FIVE_DEG, **rest)


@pytest.mark.parametrize("p", [SOFT, BARE], ids=["soft edge", "bare edge"])
@pytest.mark.parametrize("radius_m", [1.0, 3.5])
@pytest.mark.parametrize("angle_deg", [5, 20, 45])
def test_a_free_hit_gives_the_textbook_peak(p, radius_m, angle_deg):
    """Without motor the peak is within 5 % of v sqrt(k m_eff)."""
    hit = edge_force(
        p, radius_m=radius_m, angle_rad=math.radians(angle_deg), motor=False, record_s=0.3
    )
    assert hit.peak_n == pytest.approx(free_hit_n(p, radius_m, hit.speed_m_s), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pybullet", "mujoco"])
@pytest.mark.parametrize("p", [SOFT, BARE], ids=["soft edge", "bare edge"])
def test_the_instrument_reads_the_same_on_an_engine_and_on_the_equation(name, p):
    """Peak within 1 % and the same 0.75 s verdict, in the engine at 4 kHz and in the plain ODE."""
    hinge = engine(name).hinge
    ours = edge_force(p, radius_m=3.5, angle_rad=FIVE_DEG, record_s=1.5)
    theirs = edge_force(p, radius_m=3.5, angle_rad=FIVE_DEG, record_s=1.5, hinge=hinge)
    assert theirs.peak_n == pytest.approx(ours.peak_n, rel=0.01)
    assert theirs.static_ok == ours.static_ok
    free = edge_force(p, radius_m=3.5, angle_rad=FIVE_DEG, motor=False, record_s=0.2, hinge=hinge)
    assert free.peak_n == pytest.approx(free_hit_n(p, 3.5, free.speed_m_s), rel=0.05)


@pytest.mark.parametrize("rate_hz", [2000, 8000])
def test_the_peak_does_not_depend_on_the_rate(rate_hz):
    """From 2 kHz upwards the peak moves by less than 5 %."""
    at = [
        edge_force(BARE, radius_m=3.5, angle_rad=FIVE_DEG, motor=False, record_s=0.1, rate_hz=rate)
        for rate in (rate_hz, 16000)
    ]
    assert at[0].peak_n == pytest.approx(at[1].peak_n, rel=0.05)


def test_the_peak_verdict_flips_when_the_soft_edge_is_removed():
    """400 N are kept with the rubber edge and broken fourfold without it."""
    soft, bare = (
        edge_force(p, radius_m=3.5, angle_rad=FIVE_DEG, record_s=0.3) for p in (SOFT, BARE)
    )
    assert soft.peak_ok
    assert not bare.peak_ok
    assert bare.peak_n > 3 * soft.peak_n


def test_the_static_verdict_flips_when_the_reversal_comes_late():
    """Below 150 N from 0.75 s on with a prompt reversal, above it with one after 2 s."""
    prompt, late = (closing_hit(SOFT, reversal_s=delay) for delay in (0.06, 2.0))
    assert prompt.static_ok
    assert prompt.reversed_s == pytest.approx(prompt.detected_s + 0.06, abs=0.001)
    assert not late.static_ok
    assert prompt.peak_ok
    assert late.above_150n_s > 0.75 > prompt.above_150n_s


def test_without_reversal_the_force_stays_to_the_end_of_the_record():
    """A drive that never reverses leaves far more than 25 N after 5 s."""
    never, prompt = closing_hit(SOFT, reversal_s=None), closing_hit(SOFT)
    assert never.end_n > 150
    assert never.reversed_s is None
    assert prompt.end_n < 25


def test_a_prompt_reversal_shortens_the_push_but_not_the_peak_of_a_bare_edge():
    """The first peak is over before anything is detected: only a soft edge can lower it."""
    fast, slow = (
        edge_force(BARE, radius_m=3.5, angle_rad=FIVE_DEG, reversal_s=delay, record_s=0.4)
        for delay in (0.0, 0.3)
    )
    first_peak_s = int(np.argmax(fast.force_n)) / fast.rate_hz
    assert fast.detected_s is not None
    assert first_peak_s < fast.detected_s
    assert fast.peak_n == pytest.approx(slow.peak_n, rel=0.001)


def test_a_record_is_as_long_as_the_norm_asks():
    """5 s at 4 kHz."""
    hit = closing_hit(SOFT)
    assert len(hit.force_n) == 20_000
    assert hit.rate_hz == 4000


def test_the_figures_are_read_off_the_record_where_the_norm_says():
    """Peak anywhere, td the last 150 N, the force at 0.75 s, the highest after it, the last."""
    force_n = np.zeros(20_000)
    force_n[40], force_n[2000], force_n[3000], force_n[8000] = 390.0, 160.0, 120.0, 149.0
    force_n[-1] = 20.0
    hit = EdgeForce(4000.0, 1.0, force_n, None, None)
    figures = (hit.peak_n, hit.above_150n_s, hit.after_750ms_n, hit.static_n, hit.end_n)
    assert figures == (390.0, 0.5, 120.0, 149.0, 20.0)
    assert hit.peak_ok
    assert hit.static_ok


def test_an_empty_record_reads_zero():
    """No touch, no force, no dynamic time; both verdicts hold."""
    empty = EdgeForce(4000.0, 0.0, np.zeros(20_000), None, None)
    assert (empty.peak_n, empty.above_150n_s, empty.static_n, empty.end_n) == (0, 0, 0, 0)
    assert empty.peak_ok
    assert empty.static_ok


def test_the_edge_is_fastest_in_the_middle_of_the_way():
    """A sine-squared drive passes 45 degrees at twice its mean speed, and downwards."""
    assert speed_at(SOFT, math.radians(45)) == pytest.approx(-2 * (math.pi / 2) / 3, rel=1e-6)
    assert -0.05 < speed_at(SOFT, math.radians(0.2)) < 0


@pytest.mark.parametrize(("radius_m", "rate_hz"), [(0.0, 4000), (4.1, 4000), (1.0, 1999)])
def test_a_measurement_that_would_lie_is_refused(radius_m, rate_hz):
    """Beyond the arm's end or below 2 kHz there is no record, but an error."""
    with pytest.raises(PhysicsError):
        edge_force(SOFT, radius_m=radius_m, angle_rad=0.1, rate_hz=rate_hz)
