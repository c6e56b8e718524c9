"""The site file: what is right is read, what is wrong is named with file, line and key."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from twin import site as sites
from twin.errors import ConfigError, UnknownName

TEXT = (sites.SITES / "bac-luan-2.toml").read_text(encoding="utf-8")


def _broken(old: str, new: str) -> ConfigError:
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        sites.loads(TEXT.replace(old, new, 1), "here.toml")
    return caught.value


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_shipped_site_has_its_lanes_and_its_day() -> None:
    """Bắc Luân II: six lanes, four of them smart, and the counted day of 30 May 2023."""
    site = sites.load("bac-luan-2")
    day = site.day(dt.date(2023, 5, 30))
    assert [lane.id for lane in site.lanes if lane.kind == "smart"] == [
        "in-1", "in-2", "out-1", "out-2",
    ]  # fmt: skip
    assert (day.in_laden + day.in_empty, day.out_laden + day.out_empty) == (235, 338)


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("stop_line_m = 22.0", "stop_line_ft = 72", "geometry.truck-lane.stop_line_ft",
         "did you mean 'stop_line_m'"),
        ("arm_line_m = 24.0", "arm_line_m = 20.0", "geometry.truck-lane.arm_line_m",
         "must lie behind stop_line_m = 22.0 m"),
        ("length_m = 618", "length_m = 61_800", "bridge.length_m", "<= 5000"),
        ("drain_s = 5400", 'drain_s = "long"', "hours.drain_s", "the value is 'long'"),
        ('closes = "19:00"', 'closes = "06:00"', "hours.closes", "not after 07:00"),
        ("smart_lane = 0.7", "smart_lane = 70", "traffic.shares.smart_lane", "<= 1"),
        ('kind = "smart"', 'kind = "smrt"', "lanes.0.kind", "did you mean 'smart'"),
        ('geometry = "truck-lane"', 'geometry = "truck-lan"', "lanes.0.geometry",
         "did you mean 'truck-lane'"),
        ('id = "in-2"', 'id = "in-1"', "lanes.1.id", "stands twice"),
        ("length_m = 4.0, travel_s = 3.0", "length_m = 3.0, travel_s = 3.0",
         "lanes.0.arm.length_m", "leaves a gap"),
        ("platform_to_m = 22.0", "platform_to_m = 23.0", "geometry.truck-lane.platform_to_m",
         "must end between"),
        ("arm_loop_m = 1.0", "arm_loop_m = 2.0", "geometry.truck-lane.arm_loop_m",
         "already stand on it"),
        ("camera_trigger_m = 6.0", "camera_trigger_m = 40.0",
         "geometry.truck-lane.camera_trigger_m", "between the approach loop"),
        ('    { role = "camera", profile = "hikvision" },\n', "", "lanes.0.devices",
         "one camera, not 0"),
        ('"bridge.length_m" =', '"brigde.length_m" =', "bridge.length_m", "no entry in [sources]"),
        ('"utc_offset_h" =', '"nothing" = "x"\n"utc_offset_h" =', "sources.nothing",
         "matches no number"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_and_key(old: str, new: str, key: str, says: str) -> None:
    """Unknown keys, wrong units and impossible geometry are errors at their place."""
    error = _broken(old, new)
    assert error.key == key
    assert says in str(error)
    assert error.line is not None
    assert str(error).startswith(f"here.toml:{error.line}: ")


def test_the_line_is_the_one_with_the_mistake() -> None:
    """The number in the message is the line that a person has to mend."""
    error = _broken("arm_line_m = 24.0", "arm_line_m = 20.0")
    assert error.line == _line_of(TEXT, "arm_line_m")


def test_nobody_would_come() -> None:
    """Weights that are zero during opening hours are an error, not an endless loop."""
    line = next(line for line in TEXT.splitlines() if line.startswith("hourly_weights"))
    error = _broken(line, "hourly_weights = [" + ", ".join(["0"] * 24) + "]")
    assert "nobody would come" in str(error)


def test_bad_toml_names_its_line() -> None:
    """A syntax error is a ConfigError too."""
    error = _broken("[hours]", "[hours")
    assert error.line == _line_of(TEXT, "[hours]")


def test_unknown_names_offer_the_known_ones() -> None:
    """A misspelt site and an uncounted day say what there is."""
    with pytest.raises(UnknownName, match="did you mean 'bac-luan-2'"):
        sites.load("bac-luan-3")
    with pytest.raises(UnknownName, match="2023-05-30"):
        sites.load("bac-luan-2").day(dt.date(2024, 1, 1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that is not there is no traceback."""
    with pytest.raises(ConfigError, match="cannot be read"):
        sites.load(tmp_path / "x.toml")


def test_another_bridge_is_another_file(tmp_path: Path) -> None:
    """A site of one's own is read from its path."""
    path = tmp_path / "huu-nghi.toml"
    path.write_text(TEXT.replace('id = "bac-luan-2"', 'id = "huu-nghi"', 1), encoding="utf-8")
    assert sites.load(path).id == "huu-nghi"
