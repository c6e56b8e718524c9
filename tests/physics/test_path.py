"""Paths: arcs and straights, rounded corners, smooth curves; length, heading and curvature."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics import Path, PhysicsError, Piece, Pose

places = st.floats(-50.0, 50.0)
points = st.lists(
    st.tuples(places, places),
    min_size=2,
    max_size=6,
    unique_by=lambda p: (round(p[0]), round(p[1])),
)


def test_a_quarter_circle_ends_where_geometry_says():
    """Radius 10 to the left from the origin: at (10, 10), heading north, 15.7 m long."""
    path = Path([Piece(0, 0, 0, 10 * math.pi / 2, 0.1)])
    end = path.pose_at(path.end_m)
    assert (end.x_m, end.y_m, end.heading_rad) == pytest.approx((10, 10, math.pi / 2))
    assert path.curvature_at(3.0) == 0.1


def test_a_rounded_corner_has_the_radius_asked_for():
    """Two legs of 30 m at a right angle: the arc cuts 12 m off each and is a quarter circle."""
    path = Path.polyline([(0, 0), (30, 0), (30, 30)], corner_radius_m=12)
    assert path.length_m == pytest.approx(18 + 12 * math.pi / 2 + 18)
    assert path.curvature_at(20) == pytest.approx(1 / 12)
    assert not path.corners()


def test_a_corner_between_short_legs_gets_what_room_there_is():
    """A leg of 4 m leaves 2 m to each of its corners."""
    path = Path.polyline([(0, 0), (30, 0), (30, 4), (60, 4)], corner_radius_m=12)
    assert max(abs(k) for *_, k in path.curvatures()) == pytest.approx(1 / 2)


@pytest.mark.slow
@given(points=points, radius=st.floats(0.5, 20.0))
def test_a_rounded_polyline_is_smooth_and_ends_at_its_points(points, radius):
    """No gaps, no corners (but for turns back), and both ends as given."""
    path = Path.polyline(points, corner_radius_m=radius)
    first, last = path.pose_at(path.begin_m), path.pose_at(path.end_m)
    assert (first.x_m, first.y_m) == pytest.approx(points[0], abs=1e-6)
    assert (last.x_m, last.y_m) == pytest.approx(points[-1], abs=1e-6)
    assert path.length_m <= sum(math.dist(a, b) for a, b in itertools.pairwise(points)) + 1e-6


@pytest.mark.slow
@given(points=points)
def test_places_along_a_path_are_metres(points):
    """Neighbouring places are as far apart as their difference, everywhere."""
    path = Path.smooth(points)
    step = path.length_m / 400
    for i in range(400):
        a, b = path.pose_at(i * step), path.pose_at((i + 1) * step)
        assert math.hypot(b.x_m - a.x_m, b.y_m - a.y_m) <= step * (1 + 1e-6)


def test_a_smooth_path_through_points_of_a_circle_is_that_circle():
    """Biarcs through exact points and tangents of a circle have its curvature and its length."""
    angles = [i * 0.3 for i in range(10)]
    path = Path.smooth([(20 * math.sin(t), 20 * (1 - math.cos(t))) for t in angles], [*angles])
    assert path.length_m == pytest.approx(20 * 2.7)
    assert all(k == pytest.approx(0.05) for *_, k in path.curvatures())


def test_estimated_tangents_are_those_of_the_circle_through_three_points():
    """Uneven points of a circle, no tangents given: its curvature within 1 % all along."""
    angles = [0.0, 0.1, 0.35, 0.5, 0.9, 1.0, 1.3]
    path = Path.smooth([(20 * math.sin(t), 20 * (1 - math.cos(t))) for t in angles])
    assert all(k == pytest.approx(0.05, rel=0.01) for *_, k in path.curvatures())


def test_a_bezier_curve_has_its_length():
    """The length of a cubic against a sum of ten thousand chords, within 1 mm."""
    control = [(0, 0), (30, 0), (30, 40), (60, 40)]

    def point(t):
        weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
        return tuple(sum(w * c[i] for w, c in zip(weights, control, strict=True)) for i in (0, 1))

    samples = [point(i / 10_000) for i in range(10_001)]
    chords = sum(math.dist(a, b) for a, b in itertools.pairwise(samples))
    path = Path.bezier(control)
    assert path.length_m == pytest.approx(chords, abs=1e-3)
    assert not path.corners()
    for sample in samples[::500]:
        near = path.pose_at(path.nearest_m(*sample, near_m=path.length_m / 2, within_m=100))
        assert math.dist((near.x_m, near.y_m), sample) < 0.005


def test_backwards_and_sideways_the_body_looks_elsewhere():
    """The course is the direction of travel; the body's heading differs by `body_rad`."""
    back = Path.polyline([(0, 0), (10, 0)], body_rad=math.pi)
    assert back.pose_at(5).heading_rad == pytest.approx(math.pi)
    assert back.course_at(5) == 0.0
    crab = Path.polyline([(0, 0), (10, 10)], body_rad=-math.pi / 4)
    assert crab.pose_at(5).heading_rad == pytest.approx(0.0)


def test_a_path_goes_on_with_its_places_kept():
    """Extending and trimming leave what is at a place as it was."""
    path = Path.polyline([(0, 0), (50, 0)])
    longer = path.extended(Path.polyline([(50, 0), (80, 0)])).trimmed(60)
    assert (longer.begin_m, longer.end_m) == (50, 80)
    assert longer.pose_at(70) == Pose(70, 0, 0)


@given(at=st.floats(0, 60), across=st.floats(-5, 5))
def test_the_nearest_place_is_where_the_foot_is(at, across):
    """A point beside the path finds the place it was made from."""
    path = Path.polyline([(0, 0), (30, 0), (30, 30)], corner_radius_m=12)
    at = min(at, path.end_m)
    pose = path.pose_at(at)
    x = pose.x_m - across * math.sin(pose.heading_rad)
    y = pose.y_m + across * math.cos(pose.heading_rad)
    assert path.nearest_m(x, y, at, within_m=8.0) == pytest.approx(at, abs=1e-6)


def test_a_point_is_followed_round_and_round():
    """Two and a half turns of a circle: the place goes on where the angle begins anew."""
    path = Path([Piece(0, 0, 0, 10.0), Piece(10, 0, 0, 12 * math.tau * 2.5, 1 / 12)])
    at_m = 0.0
    for i in range(1, 500):
        want = path.end_m * i / 500
        pose = path.pose_at(want)
        foot = path.follow(pose.x_m, pose.y_m, at_m)
        at_m = foot.at_m
        assert at_m == pytest.approx(want, abs=1e-6)
        assert foot.left_m == pytest.approx(0.0, abs=1e-9)
        assert path.nearest_m(pose.x_m, pose.y_m, at_m + 3) == pytest.approx(want, abs=1e-6)


def test_a_point_that_moved_back_is_followed_back():
    """Pushed back over the border of two pieces, the place goes back as well."""
    path = Path.polyline([(0, 0), (30, 0), (30, 30)], corner_radius_m=12)
    for at_m, back_m in ((19.0, 17.0), (37.5, 20.0)):
        pose = path.pose_at(back_m)
        assert path.follow(pose.x_m, pose.y_m, at_m).at_m == pytest.approx(back_m)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Path([]), "no length"),
        (lambda: Path.polyline([(1, 1), (1, 1)]), "no length"),
        (lambda: Path([Piece(0, 0, 0, 5), Piece(6, 0, 0, 5)]), "gap of 1 m"),
        (lambda: Path.bezier([(0, 0)]), "at least 2"),
        (lambda: Path.bezier([(1, 1), (1, 1)]), "no length"),
        (lambda: Path.smooth([(0, 0)]), "at least 2"),
    ],
)
def test_what_is_no_path_is_refused(make, word):
    """The error says what is wrong and where."""
    with pytest.raises(PhysicsError, match=word):
        make()
