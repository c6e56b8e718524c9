"""What the receiver believes: quality, error, faults."""

from __future__ import annotations

import math
import statistics

import pytest

from tests.gnss.ground import Drive, play
from twin.devices.gnss import Quality


def test_in_the_open_it_is_fixed_within_two_centimetres() -> None:
    """Over two hours the error has mean near 0 and the deviation that is stated."""

    async def test(d: Drive) -> None:
        east, north = [], []
        for _ in range(7200):
            await d.clock.sleep(1)
            fix = d.receiver.fix()
            assert fix.quality is Quality.RTK_FIXED
            assert fix.local is not None
            east.append(fix.local.east_m - 3.0)
            north.append(fix.local.north_m)
        for errors in (east, north):
            assert abs(statistics.fmean(errors)) < 0.006
            assert statistics.pstdev(errors) == pytest.approx(0.02, rel=0.2)
        assert max(map(abs, east)) < 0.02 * 2 * math.sqrt(3) * 1.3

    play(test)


def test_the_error_wanders_slowly() -> None:
    """Errors a second apart agree, those ten minutes apart do not: it is correlated."""

    async def test(d: Drive) -> None:
        errors = []
        for _ in range(6000):
            await d.clock.sleep(1)
            fix = d.receiver.fix()
            assert fix.local is not None
            errors.append(fix.local.east_m - 3.0)

        def correlation(lag: int) -> float:
            pairs = list(zip(errors, errors[lag:], strict=False))
            return statistics.correlation([a for a, _ in pairs], [b for _, b in pairs])

        assert correlation(1) > 0.8
        assert abs(correlation(600)) < 0.35

    play(test)


def test_under_the_roof_the_fix_goes_and_comes_back_step_by_step() -> None:
    """None below the roof, then alone, differential, float and fixed again within 15 s."""

    async def test(d: Drive) -> None:
        seen: list[tuple[float, str]] = []
        for _ in range(450):
            await d.clock.sleep(0.1)
            name = d.receiver.fix().quality.name
            if not seen or seen[-1][1] != name:
                seen.append((d.clock.now_s(), name))
        assert [name for _, name in seen] == ["RTK_FIXED", "NONE", "DGPS", "RTK_FLOAT", "RTK_FIXED"]
        left = (160.0 - 60.0) / 5.0  # at 5 m/s from 60 m
        assert seen[1][0] == pytest.approx(8.1, abs=0.2)
        assert seen[2][0] == pytest.approx(left + 2.0, abs=0.3)
        assert seen[4][0] == pytest.approx(left + 12.0, abs=0.3)

    drive = play(test, speed_m_s=5.0, begin_m=60.0)
    assert len(drive.kinds("gnss.quality")) == 5


def test_below_trees_it_floats_and_knows_it() -> None:
    """Half the sky gives float with some decimetres, stated honestly."""

    async def test(d: Drive) -> None:
        errors = []
        for _ in range(3000):
            await d.clock.sleep(1)
            fix = d.receiver.fix()
            assert fix.quality is Quality.RTK_FLOAT
            assert fix.local is not None
            errors.append(fix.local.north_m - 350.0)
            assert fix.sigma_m == pytest.approx(0.2 / math.sqrt(0.5), rel=0.01)
        assert statistics.pstdev(errors) == pytest.approx(0.283, rel=0.3)

    play(test, begin_m=350.0)


def test_without_corrections_rtk_ends_after_a_minute() -> None:
    """The age grows, then it is alone; corrections that come back make it fixed at once."""

    async def test(d: Drive) -> None:
        d.receiver.inject("no_corrections")
        await d.clock.sleep(30)
        assert d.receiver.fix().correction_age_s == pytest.approx(30.0)
        assert d.receiver.fix().quality is Quality.RTK_FIXED
        await d.clock.sleep(31)
        assert d.receiver.fix().quality is Quality.SINGLE
        assert d.receiver.fix().correction_age_s is None
        d.receiver.heal("no_corrections")
        await d.clock.sleep(1)
        assert d.receiver.fix().quality is Quality.RTK_FIXED

    play(test)


def test_multipath_moves_the_place_and_nothing_tells() -> None:
    """Half a metre of bias with an unchanged quality and stated deviation."""

    async def test(d: Drive) -> None:
        await d.clock.sleep(1)
        before = d.receiver.fix()
        d.receiver.inject("multipath", east_m=0.5, north_m=-0.3)
        after = d.receiver.fix()
        assert before.local is not None
        assert after.local is not None
        assert after.local.east_m - before.local.east_m == pytest.approx(0.5)
        assert after.local.north_m - before.local.north_m == pytest.approx(-0.3)
        assert (after.quality, after.sigma_m) == (before.quality, before.sigma_m)

    play(test)


def test_outage_frozen_and_float_faults() -> None:
    """No satellites is no fix; a frozen receiver repeats its place with new times."""

    async def test(d: Drive) -> None:
        d.receiver.inject("outage")
        assert d.receiver.fix().quality is Quality.NONE
        assert d.receiver.fix().satellites == 0
        d.receiver.heal("outage")
        await d.clock.sleep(1.9)
        assert d.receiver.fix().place is None
        await d.clock.sleep(60)
        d.receiver.inject("no_fixing")
        assert d.receiver.fix().quality is Quality.RTK_FLOAT
        d.receiver.heal("no_fixing")
        first = d.receiver.fix()
        d.receiver.inject("frozen")
        await d.clock.sleep(10)
        later = d.receiver.fix()
        assert later.place == first.place
        assert later.t_ns > first.t_ns
        d.receiver.heal("frozen")
        assert d.receiver.fix().place != first.place

    play(test, speed_m_s=1.0, begin_m=-500.0)


def test_the_same_seed_gives_the_same_error_whoever_asks() -> None:
    """Looking more often does not change what is seen at an instant; another seed does."""

    def at_100(seed: int, looks: int) -> object:
        found: list[object] = []

        async def test(d: Drive) -> None:
            for _ in range(looks):
                await d.clock.sleep(100 / looks)
                d.receiver.fix()
            found.append(d.receiver.fix().local)

        play(test, seed=seed)
        return found[0]

    assert at_100(1, 1) == at_100(1, 10)
    assert at_100(1, 1) != at_100(2, 1)
