"""Profiles: shipped ones are right, wrong ones are refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.modbus.bench import MemoryDevice, Rig, on_bench, profile_text
from twin.clock import Clock, run_virtual
from twin.errors import ConfigError, HarnessError, UnknownName
from twin.profiles import load, loads, names, wire_points
from twin.trace import Trace
from twin.wires.modbus import Application, ModbusServer

ROW = '[[rows]]\ntable = "holding"\naddress = 200\nencoding = "u16"\npoint = "h0"\ndoc = "x"\n'


@pytest.mark.parametrize("name", names())
def test_shipped_profiles_load_and_cite_their_source(name: str) -> None:
    """Each shipped profile is valid, is found by its own id, and says where it is from."""
    profile = load(name)
    assert profile.id == name
    assert "https://" in profile.source
    assert all(quirk.source for quirk in profile.quirks)
    assert profile.public_table or any("OURS" in note for note in profile.notes)


def test_the_five_gate_devices_have_a_profile() -> None:
    """The profiles that the site of the gate names are all there."""
    expected = {"barrier.came-gard", "barrier.magnetic-mgc", "remote-io", "weighbridge"}
    assert expected <= set(names())


def test_came_addresses_are_those_of_the_manual() -> None:
    """Manual numbers count from 1 (40101, 10103, coil 2); the wire counts from 0."""
    points = wire_points(load("barrier.came-gard"))
    assert points["gate_status"]["address"] == 40101 - 40001
    assert points["operations"] == {
        "table": "holding",
        "address": 40105 - 40001,
        "encoding": "u32",
        "access": "r",
        "word_order": "lsw",
    }
    assert points["needs_calibration_input"]["address"] == 10103 - 10001
    assert points["open"]["address"] == 2 - 1
    assert points["gate_status"]["values"]["closed"] == 17


def test_wire_points_can_be_narrowed_to_what_is_wired() -> None:
    """A lane without relay barrier names no barrier relays."""
    points = wire_points(load("remote-io"), {"loop_exit", "lamp_red"})
    assert set(points) == {"loop_exit", "lamp_red"}


def test_orders_in_a_register_carry_their_number() -> None:
    """Each order of a command register is a point with the number to write."""
    points = wire_points(load("barrier.magnetic-mgc"))
    assert {n: points[n]["write_value"] for n in ("open", "close", "stop")} == {
        "open": 1,
        "close": 2,
        "stop": 3,
    }


@pytest.mark.parametrize(
    ("bad", "key", "words"),
    [
        (ROW.replace("doc", "dok"), "rows.0.dok", "unknown key"),
        (ROW.replace("200", "70000"), "rows.0.address", "<= 65535"),
        (ROW + ROW.replace("h0", "h1"), "rows.1.address", "already taken by rows.0"),
        (ROW + ROW.replace("200", "201"), "rows.1", "also the name of rows.0"),
        (ROW.replace('"u16"', '"bit"'), "rows.0.bit", "needs encoding 'bit' and a `bit`"),
        (ROW.replace("holding", "coil"), "rows.0.encoding", "a coil is one bit"),
        (ROW.replace("holding", "input") + 'access = "rw"\n', "rows.0.access", "only be read"),
        (ROW.replace("point", "constant"), "rows.0.constant", "go together"),
        (ROW + "constant = 1\n", "rows.0", "exactly one of"),
        (ROW + 'word_order = "lsw"\n', "rows.0.word_order", "a quirk"),
        (ROW.replace("200", "65535").replace("u16", "u32"), "rows.0.address", "passes 65535"),
        (ROW.replace('point = "h0"', "commands = {h0 = 1}"), "rows.0.commands", "writable u16"),
        (ROW + 'access = "rw"\nconstant = 1\n', "rows.0", "exactly one of"),
    ],
)
def test_a_wrong_row_is_refused_at_its_line(bad: str, key: str, words: str) -> None:
    """The error names the key and the line, and says what is wrong."""
    head = profile_text().partition("[[blocks]]")[0]
    with pytest.raises(ConfigError) as caught:
        loads(head + bad, "bad.toml")
    assert caught.value.key == key
    assert words in str(caught.value)
    assert caught.value.line is not None
    assert caught.value.line > head.count("\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("22, 23, 43]", "22, 24, 43]", "function code 24 is not served"),
        ("22, 23, 43]", "22, 23]", "function code 43 and mei_types go together"),
        ("mei_types = [14]", "mei_types = [13]", "MEI type 14 and a table"),
        ("unit_ids = [1]", "unit_ids = []", "at least one unit id"),
        ("max_connections = 20", "max_connections = 0", ">= 1"),
    ],
)
def test_a_wrong_head_is_refused(old: str, new: str, words: str) -> None:
    """Function codes, MEI types, unit ids and limits are checked together."""
    assert old in profile_text()
    with pytest.raises(ConfigError, match=words):
        loads(profile_text().replace(old, new))


def test_unknown_profile_names_the_near_one(tmp_path: Path) -> None:
    """A misspelt name is answered with the right one; a file of one's own is loaded by path."""
    with pytest.raises(UnknownName, match=r"barrier\.came-gard"):
        load("barrier.came-guard")
    own = tmp_path / "own.toml"
    own.write_text(profile_text(), encoding="utf-8")
    assert load(own).device == "bench"


def test_a_point_that_the_device_lacks_is_named() -> None:
    """A profile that binds a missing point, or writes a read-only one, fails at the start."""

    async def check(rig: Rig) -> None:
        del rig.device.points["h3"]
        with pytest.raises(ConfigError, match="bench has no such point; did you mean"):
            Application(rig.device, rig.server.profile)

    on_bench(check)

    async def check_writable(rig: Rig) -> None:
        rig.device.add_point("h3", lambda: 0)
        with pytest.raises(ConfigError, match="offers it for reading only"):
            Application(rig.device, rig.server.profile)

    on_bench(check_writable)


def test_a_text_that_the_profile_does_not_code_is_a_harness_error() -> None:
    """A device that reads an unknown word is our mistake and is said so, never sent."""

    async def check(rig: Rig) -> None:
        rig.device.memory["h0"] = "ajar"
        application = Application(rig.device, rig.server.profile)
        with pytest.raises(HarnessError, match="reads 'ajar'"):
            application.answer(bytes([3, 0, 0, 0, 1]))

    on_bench(check)


def test_unknown_quirk_is_refused() -> None:
    """A quirk that the profile does not list cannot be switched."""

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        with pytest.raises(UnknownName, match="quirk of profile bench"):
            ModbusServer(
                MemoryDevice(clock, trace),
                loads(profile_text()),
                clock=clock,
                trace=trace,
                quirks={"lsw-first": False},
            )

    run_virtual(main)
