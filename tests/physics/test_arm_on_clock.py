"""The arm of a lane: the engine's plans on the clock, and what may intervene."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tests.devices.bench import TRUCK, Bench, play
from tests.physics.engines import every_engine
from twin.physics import ArmParameters, EventKind, Obstacle


@every_engine
def test_a_move_is_traced_from_start_to_rest(name):
    """One arm.motion and, when it has travelled its time, one arm.rest that names it as cause."""

    async def script(bench: Bench) -> None:
        bench.arm.drive("up", cause=-1)
        assert bench.arm.moving
        await bench.wait(1.5)
        assert bench.arm.angle_deg() == pytest.approx(45, abs=0.5)
        await bench.wait(2)
        assert not bench.arm.moving

    motion, rest = play(script, name=name).records()
    assert motion.kind == "arm.motion"
    assert motion.payload == {"direction": "up", "angle_deg": 0.0, "speed": 1.0}
    assert (rest.kind, rest.cause, rest.payload["at"]) == ("arm.rest", motion.id, "open")
    assert rest.t_s == pytest.approx(3.0, rel=0.02)


@every_engine
def test_limit_events_come_when_the_arm_is_in_the_window(name):
    """At each limit event the matching end sensor has just changed."""
    seen = []

    async def script(bench: Bench) -> None:
        bench.arm.on_event(lambda e: seen.append((e.kind, bench.arm.at_closed, bench.arm.at_open)))
        bench.arm.drive("up")
        await bench.wait(4)

    play(script, name=name)
    kinds = [kind for kind, _, _ in seen]
    assert kinds == [EventKind.LEFT_CLOSED, EventKind.AT_OPEN, EventKind.REST]
    assert [at_open for _, _, at_open in seen] == [False, True, True]


def test_a_repeated_order_does_not_disturb_the_move():
    """Ordering the same direction again, however often, changes nothing."""

    async def script(bench: Bench) -> None:
        for _ in range(12):
            bench.arm.drive("up")
            await bench.wait(0.25)
        await bench.wait(0.1)

    bench = play(script)
    assert [record.t_s for record in bench.records("arm.rest")] == [3.0]
    # The order that comes after the arrival finds the arm where it should be.
    assert len(bench.records("arm.motion")) == 1


def test_an_order_to_where_the_arm_is_ends_at_once():
    """Driving to the present end reports rest and records no motion."""

    async def script(bench: Bench) -> None:
        bench.arm.drive("down")
        await bench.wait(0.1)

    bench = play(script)
    assert [event.kind for event in bench.events] == [EventKind.REST]
    assert bench.records() == []


@every_engine
def test_a_vehicle_under_a_closing_arm_is_hit_once_with_a_force(name):
    """One arm.contact that names vehicle, angle and the instrument's forces."""

    async def script(bench: Bench) -> None:
        bench.arm.reversal_s = None
        bench.arm.set_obstacle(TRUCK)
        bench.arm.drive("down")
        await bench.wait(6)

    bench = play(script, name=name, angle_deg=90.0)
    (contact,) = bench.records("arm.contact")
    assert contact.payload["vehicle"] == "truck-1"
    assert contact.payload["by"] == "arm"
    assert contact.payload["angle_deg"] == pytest.approx(45.9, abs=0.5)
    assert contact.payload["peak_n"] > 400  # a mid-travel hit is too hard even for a soft edge
    kinds = [event.kind for event in bench.events]
    assert kinds.index(EventKind.CONTACT) < kinds.index(EventKind.OVERLOAD)
    assert kinds[-1] is EventKind.BLOCKED
    assert bench.records("arm.rest")[-1].payload["at"] == "between"


@every_engine
def test_the_contact_is_the_same_for_every_engine(name):
    """Peak within 5 % of the kinematic arm's, at the same angle within a degree."""

    async def script(bench: Bench) -> None:
        bench.arm.reversal_s = 0.06
        bench.arm.set_obstacle(TRUCK)
        bench.arm.drive("down")
        await bench.wait(2)

    exact, ours = (
        play(script, name=which, angle_deg=90.0).records("arm.contact")[0].payload
        for which in ("kinematic", name)
    )
    assert ours["peak_n"] == pytest.approx(exact["peak_n"], rel=0.05)
    assert ours["angle_deg"] == pytest.approx(exact["angle_deg"], abs=1.0)


@every_engine
def test_a_vehicle_that_leaves_in_time_is_not_hit(name):
    """The obstacle goes while the arm comes: the arm closes as if it had never been there."""

    async def script(bench: Bench) -> None:
        bench.arm.set_obstacle(TRUCK)
        bench.arm.drive("down")
        await bench.wait(0.8)
        bench.arm.set_obstacle(None)
        await bench.wait(5)

    bench = play(script, name=name, angle_deg=90.0)
    assert bench.records("arm.contact") == []
    (rest,) = bench.records("arm.rest")
    assert rest.payload["at"] == "closed"
    assert rest.t_s == pytest.approx(3.0, rel=0.02)


@every_engine
def test_a_pressing_arm_goes_on_when_the_vehicle_has_gone(name):
    """A drive that was never switched off finishes its way."""

    async def script(bench: Bench) -> None:
        bench.arm.set_obstacle(TRUCK)
        bench.arm.drive("down")
        await bench.wait(6)
        pressing = bench.arm.angle_deg()
        bench.arm.set_obstacle(None)
        await bench.wait(0.1)
        assert bench.arm.angle_deg() == pytest.approx(pressing, abs=2)
        await bench.wait(5)

    bench = play(script, name=name, angle_deg=90.0)
    assert bench.records("arm.rest")[-1].payload == {
        "angle_deg": pytest.approx(0, abs=0.1),
        "at": "closed",
    }


@every_engine
def test_vehicles_that_come_and_go_in_time_do_not_delay_the_arm(name):
    """Two changes of what stands there, both before any touch, leave the travel time as it is."""

    async def script(bench: Bench) -> None:
        bench.arm.drive("down")
        for _ in range(4):
            await bench.wait(0.1)
            bench.arm.set_obstacle(TRUCK)
            await bench.wait(0.1)
            bench.arm.set_obstacle(None)
        await bench.wait(5)

    (rest,) = play(script, name=name, angle_deg=90.0).records("arm.rest")
    assert rest.t_s == pytest.approx(3.0, rel=0.02)


@every_engine
def test_a_vehicle_that_comes_under_a_falling_arm_is_hit_once(name):
    """The arm is already lower than the vehicle is high: one contact at once, by the arm."""

    async def script(bench: Bench) -> None:
        bench.arm.reversal_s = 0.06
        bench.arm.drive("down")
        await bench.wait(1.7)
        bench.arm.set_obstacle(TRUCK)
        await bench.wait(3)

    (contact,) = play(script, name=name, angle_deg=90.0).records("arm.contact")
    assert contact.payload["by"] == "arm"
    assert contact.t_s == pytest.approx(1.7)


def test_a_vehicle_that_runs_into_a_closed_arm_did_it_itself():
    """The contact says `vehicle`, and its force grows with the vehicle's speed."""
    ram = dataclasses.replace(TRUCK, speed_m_s=2.0)

    async def script(bench: Bench) -> None:
        bench.arm.set_obstacle(ram)
        await bench.wait(1)

    (contact,) = play(script).records("arm.contact")
    assert contact.payload["by"] == "vehicle"
    assert contact.payload["peak_n"] > 200


def test_a_low_vehicle_is_never_touched():
    """A motor-cycle trailer under the pivot's height lets the arm close over it."""

    async def script(bench: Bench) -> None:
        bench.arm.set_obstacle(Obstacle("low", 0.8, 1.0, 2.0))
        bench.arm.drive("down")
        await bench.wait(4)

    bench = play(script, angle_deg=90.0)
    assert bench.records("arm.contact") == []
    assert bench.records("arm.rest")[-1].payload["at"] == "closed"


@every_engine
@pytest.mark.parametrize(
    ("parameters", "low_deg", "high_deg"),
    [
        (ArmParameters(brake_holds=True, balance_share=0.5), 46, 70),
        (ArmParameters(brake_holds=False, balance_share=0.5), -0.5, 1),
        (ArmParameters(brake_holds=False, balance_share=1.5), 85, 90.5),
    ],
    ids=["held", "falls", "rises"],
)
def test_power_loss_ends_as_the_brake_and_the_spring_decide(name, parameters, low_deg, high_deg):
    """Held between the ends, fallen shut, or risen open; and no order moves a dead motor."""

    async def script(bench: Bench) -> None:
        bench.arm.drive("up")
        await bench.wait(1.5)
        bench.arm.power(False)
        await bench.wait(20)
        before = bench.arm.angle_deg()
        bench.arm.drive("down")
        await bench.wait(5)
        assert bench.arm.angle_deg() == before

    bench = play(script, name=name, arm=parameters)
    assert low_deg < bench.records("arm.rest")[-1].payload["angle_deg"] < high_deg
    assert [record.payload["on"] for record in bench.records("arm.power")] == [False]


def test_power_that_returns_stops_a_falling_arm():
    """The brake falls in with the supply."""

    async def script(bench: Bench) -> None:
        bench.arm.power(False)
        await bench.wait(0.3)
        bench.arm.power(True)
        bench.arm.power(True)
        await bench.wait(3)

    bench = play(script, angle_deg=60.0, arm=ArmParameters(brake_holds=False, balance_share=0.3))
    assert 20 < bench.arm.angle_deg() < 59


def test_a_released_arm_obeys_the_hand_and_not_the_motor():
    """Pulling the release frees the arm; putting it back lets the brake hold it again."""

    async def script(bench: Bench) -> None:
        assert not bench.arm.push(90.0)
        bench.arm.release(True)
        bench.arm.release(True)
        bench.arm.drive("up")
        await bench.wait(4)
        assert bench.arm.angle_deg() < 1
        assert bench.arm.push(60.0)
        await bench.wait(8)
        assert bench.arm.angle_deg() == pytest.approx(60, abs=0.5)
        bench.arm.release(False)
        bench.arm.drive("up")
        await bench.wait(4)

    assert play(script).arm.angle_deg() == pytest.approx(90)


def test_a_jam_stops_the_arm_where_it_is_and_strains_the_motor():
    """The arm stands at once; the overload comes after its detection time, and again on orders."""

    async def script(bench: Bench) -> None:
        bench.arm.drive("up")
        await bench.wait(1.0)
        bench.arm.jam(True)
        angle = bench.arm.angle_deg()
        await bench.wait(1.0)
        assert bench.arm.angle_deg() == angle
        bench.arm.drive("down")
        await bench.wait(1.0)
        assert bench.arm.angle_deg() == angle
        bench.arm.jam(False)
        bench.arm.drive("down")
        await bench.wait(4.0)

    bench = play(script)
    assert [e.kind for e in bench.events].count(EventKind.OVERLOAD) == 2
    assert bench.arm.angle_deg() == pytest.approx(0)


@every_engine
def test_the_angle_never_jumps_whatever_intervenes(name):
    """Sampled at 100 Hz through orders, stops, a vehicle and a power cut, no step exceeds 2 deg."""
    angles: list[float] = []

    async def script(bench: Bench) -> None:
        arm = bench.arm
        acts = {
            10: lambda: arm.drive("up"),
            120: lambda: arm.drive("down"),
            180: lambda: arm.drive("stop"),
            200: lambda: arm.drive("up"),
            480: lambda: arm.drive("down"),
            530: lambda: arm.set_obstacle(TRUCK),
            800: lambda: arm.drive("up", speed=0.5),
            900: lambda: arm.power(False),
        }
        for tick in range(1100):
            acts.get(tick, lambda: None)()
            angles.append(arm.angle_deg())
            await bench.wait(0.01)

    play(script, name=name)
    assert max(abs(b - a) for a, b in itertools.pairwise(angles)) < 2.0
    assert min(angles) >= -0.5
    assert max(angles) < 90.5
