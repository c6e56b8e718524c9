"""Profiles: shipped ones are right, wrong ones are refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.modbus.bench import MemoryDevice, Rig, adu, model_of, on_bench, profile_text
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


ODD = """
[[quirks]]
id = "lsw-first"
on = true
doc = "d"
source = "s"
[[rows]]
table = "holding"
address = 100
encoding = "s16"
point = "h1"
name = "signed"
scale = 0.1
access = "rw"
doc = "x"
[[rows]]
table = "holding"
address = 101
encoding = "u32"
word_order = "lsw"
point = "wide"
name = "low_first"
access = "rw"
doc = "x"
[[rows]]
table = "holding"
address = 103
encoding = "f32"
point = "h2"
name = "real"
access = "rw"
doc = "x"
[[rows]]
table = "holding"
address = 105
encoding = "ascii"
length = 3
point = "h4"
name = "text"
doc = "x"
[[rows]]
table = "holding"
address = 108
encoding = "u16"
constant = 513
doc = "x"
[[rows]]
table = "holding"
address = 109
encoding = "bit"
bit = 3
point = "c0"
name = "bit3"
access = "rw"
doc = "x"
[[rows]]
table = "holding"
address = 109
encoding = "bit"
bit = 15
invert = true
point = "c1"
name = "bit15"
access = "rw"
doc = "x"
[[rows]]
table = "input"
address = 100
encoding = "u32"
magnitude = true
point = "h5"
name = "size"
doc = "x"
[[rows]]
table = "input"
address = 102
encoding = "bit"
bit = 1
sign_of = true
point = "h5"
name = "sign"
doc = "x"
[[rows]]
table = "holding"
address = 110
encoding = "u16"
access = "rw"
commands = { p5 = 7, p6 = 9 }
doc = "x"
[[rows]]
table = "coil"
address = 100
encoding = "bit"
access = "rw"
on_write = "pulse"
allowed = [1]
point = "c7"
name = "clear"
doc = "x"
"""


def _ask(application: Application, text: str) -> str:
    return application.answer(bytes.fromhex(text)).hex()


def test_encodings() -> None:
    """Sign, scale, word order, floats, texts, bits, magnitudes and orders go both ways."""

    async def check(rig: Rig) -> None:
        memory = rig.device.memory
        app = Application(rig.device, loads(profile_text() + ODD))
        memory |= {"h1": -12.3, "wide": 0x01020304, "h2": 1.5, "h4": "abcdefghi", "h5": -5}
        memory |= {"c0": 1, "c1": 0, "p5": 0, "p6": 0, "c7": 0}
        assert _ask(app, "0300640001") == "0302ff85"
        assert _ask(app, "0300650002") == "030403040102"
        assert _ask(app, "0300660001") == "03020102"  # the high half alone
        assert _ask(app, "0300670002") == "03043fc00000"
        assert _ask(app, "0300690003") == "0306616263646566"
        assert _ask(app, "03006c0001") == "03020201"
        assert _ask(app, "03006d0001") == "03028008"
        assert _ask(app, "0400640003") == "0406000000050002"
        assert _ask(app, "060064ff9c") == "060064ff9c"
        assert memory["h1"] == int(-100 * 0.1)
        assert _ask(app, "100065000204aabbccdd") == "1000650002"
        assert memory["wide"] == 0xCCDDAABB
        assert _ask(app, "060065aabb") == "8602"  # half of a value
        assert _ask(app, "06006d0000") == "06006d0000"
        assert (memory["c0"], memory["c1"]) == (0, 1)
        assert _ask(app, "06006e0009") == "06006e0009"
        assert (memory["p5"], memory["p6"]) == (0, 1)
        assert _ask(app, "03006e0001") == "03020009"
        assert _ask(app, "06006e0008") == "8603"  # no such order
        assert _ask(app, "0500640000") == "8503"  # only 1 is allowed
        assert _ask(app, "050064ff00") == "050064ff00"
        assert memory["c7"] == 1

    on_bench(check)


def test_limits_of_what_is_written() -> None:
    """What is beyond `lowest` and `highest` is answered with 03; the limits themselves are good."""
    text = profile_text() + ODD.replace(
        'name = "signed"', 'name = "signed"\nlowest = -40.0\nhighest = 30.0', 1
    )
    assert "lowest" in text

    async def check(rig: Rig) -> None:
        app = Application(rig.device, loads(text))
        for tenths, good in ((-400, True), (300, True), (-401, False), (301, False), (0, True)):
            word = f"{tenths & 0xFFFF:04x}"
            wanted = f"060064{word}" if good else "8603"
            assert _ask(app, f"060064{word}") == wanted
        assert _ask(app, "10006400010201f4") == "9003"

    on_bench(check)
    with pytest.raises(ConfigError, match="is not below highest"):
        loads(text.replace("highest = 30.0", "highest = -50.0"))
    with pytest.raises(ConfigError, match="limits are of what is written"):
        loads(text.replace('point = "c1"', 'lowest = 0.0\npoint = "c1"'))


def test_a_register_saturates_and_never_wraps() -> None:
    """Values beyond the range of their register show its end."""

    async def check(rig: Rig) -> None:
        app = Application(rig.device, loads(profile_text() + ODD))
        for value, shown in [(5000.0, "7fff"), (-5000.0, "8000")]:
            rig.device.memory["h1"] = value
            assert _ask(app, "0300640001") == "0302" + shown
        rig.device.memory["h0"] = -1
        assert _ask(app, "0300000001") == "03020000"

    on_bench(check)


def test_low_word_first_can_be_switched_off() -> None:
    """With the quirk off, the same counter has its high word first."""

    async def check(rig: Rig) -> None:
        rig.device.memory["wide"] = 0x01020304
        app = Application(rig.device, loads(profile_text() + ODD), {"lsw-first": False})
        assert _ask(app, "0300650002") == "030401020304"

    on_bench(check)


def test_pulse_rows_pass_only_the_order_unless_held() -> None:
    """A pulse coil takes 1 as an order and ignores 0; as a held level it passes both."""
    text = profile_text() + ODD.replace("allowed = [1]\n", "")

    async def check(rig: Rig) -> None:
        for held, expected in [(False, [True]), (True, [True, False])]:
            rig.device.writes.clear()
            app = Application(rig.device, loads(text), {"level-held-coil": held})
            _ask(app, "050064ff00")
            _ask(app, "0500640000")
            assert [value for _, value, _ in rig.device.writes] == expected

    on_bench(check)


def test_release_of_a_forced_coil_is_a_quirk() -> None:
    """0xFFFF in function 5 is an illegal value, and "off" where the quirk is on."""

    async def check(rig: Rig) -> None:
        rig.device.memory["c3"] = 1
        plain = Application(rig.device, rig.server.profile)
        assert _ask(plain, "050003ffff") == "8503"
        quirky = Application(rig.device, rig.server.profile, {"fc5-ffff-release": True})
        assert _ask(quirky, "050003ffff") == "050003ffff"
        assert rig.device.memory["c3"] == 0

    on_bench(check)


def test_canopen_reference_is_known_and_empty() -> None:
    """MEI type 13 is served without objects; type 14 is then no function of the device."""

    async def check(rig: Rig) -> None:
        text = profile_text().partition("[identification]")[0]
        app = Application(
            rig.device, loads(text.replace("mei_types = [14]", "mei_types = [13]") + "rows = []\n")
        )
        assert _ask(app, "2b0d00") == "ab02"
        assert _ask(app, "2b0e0100") == "ab01"
        assert _ask(app, "2b") == "ab03"

    on_bench(check)


def test_magnetic_refuses_every_other_function() -> None:
    """The Magnetic profile answers 03, 04, 06 and 43; all else is an illegal function."""

    async def check(rig: Rig) -> None:
        for name in (
            "gate_status",
            "position_percent",
            "last_error",
            "operations",
            "board_temperature_c",
            "limit_open",
            "limit_closed",
        ):
            rig.device.add_point(name, lambda: 0)
        for name in ("open", "close", "stop", "reset"):
            rig.device.add_point(name, lambda: False, lambda value, cause=-1: None)
        app = Application(rig.device, load("barrier.magnetic-mgc"))
        for function in range(256):
            answer = app.answer(bytes([function, 0, 0, 0, 1]))
            if function in (3, 4, 6):
                assert answer[0] == function
            elif function == 43:
                assert answer == bytes([0xAB, 1])
            else:
                assert answer == bytes([function | 0x80, 1])

    on_bench(check)


def test_identification_streams_start_over_at_an_unknown_object() -> None:
    """A stream asked from a missing object starts at the first; a single one is an error."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        assert (await client.ask(adu(bytes([43, 14, 1, 9]))))[12:14] == b"\0\3"
        assert (await client.ask(adu(bytes([43, 14, 4, 9]))))[7:] == b"\xab\x02"
        assert (await client.ask(adu(bytes([43, 14, 5, 0]))))[7:] == b"\xab\x03"

    on_bench(check)


def test_a_held_coil_is_a_contact_where_the_device_knows_the_difference() -> None:
    """With `level-held-coil`, an order's coil drives the contact of the same name, both ways."""
    text = profile_text() + ODD.replace("allowed = [1]\n", "")

    async def check(rig: Rig) -> None:
        seen: list[bool | float] = []
        rig.device.add_point(
            "contact_c7", lambda: False, lambda value, cause=-1: seen.append(value)
        )
        app = Application(rig.device, loads(text), {"level-held-coil": True})
        _ask(app, "050064ff00")
        _ask(app, "0500640000")
        assert seen == [True, False]
        assert rig.device.writes == []

    on_bench(check)


@pytest.mark.parametrize(
    ("request_hex", "answer"),
    [
        ("0fffff0002" + "0103", "8f02"),
        ("10ffff0002" + "0400010002", "9002"),
        ("1700000001ffff0002" + "0400010002", "9702"),
        ("17ffff000200000001" + "020001", "9702"),
        ("160063" + "00000000", "9602"),
        ("01ffff0002", "8102"),
        ("03ffff0002", "8302"),
    ],
)
def test_the_address_space_ends_at_65535(request_hex: str, answer: str) -> None:
    """A request that runs over the last address is answered with 0x02, whatever its function."""

    async def check(rig: Rig) -> None:
        assert _ask(Application(rig.device, rig.server.profile), request_hex) == answer

    on_bench(check)


def test_compiled_requests_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different reads come, only a bounded number stays compiled."""
    monkeypatch.setattr("twin.wires.modbus.pdu._PLANS_MAX", 50)

    async def check(rig: Rig) -> None:
        app, model = Application(rig.device, rig.server.profile), model_of(rig.device)
        for at in range(20):
            for count in range(1, 12):
                pdu = bytes([3, 0, at, 0, count])
                assert app.answer(pdu) == model.pdu(pdu)
        assert 0 < len(app._plans) <= 50

    on_bench(check)


@pytest.mark.parametrize(
    ("function", "count", "size", "code"),
    [
        (15, 1968, 246, 2),
        (15, 1969, 247, 3),
        (16, 123, 246, 2),
        (16, 124, 248, 3),
        (23, 121, 242, 2),
        (23, 122, 244, 3),
    ],
)
def test_the_most_that_one_write_may_carry(function: int, count: int, size: int, code: int) -> None:
    """The largest lawful quantity fails only for its addresses; one more is an illegal value."""

    async def check(rig: Rig) -> None:
        head = bytes([23, 0, 0, 0, 1]) if function == 23 else bytes([function])
        pdu = head + bytes([0, 0]) + count.to_bytes(2) + bytes([size]) + bytes(size)
        app = Application(rig.device, rig.server.profile)
        assert app.answer(pdu) == bytes([function | 0x80, code])

    on_bench(check)


def test_a_write_only_coil_cannot_be_read_even_within_a_block() -> None:
    """Reserved addresses read 0; an address that is only written is illegal to read."""
    block = '[[blocks]]\ntable = "coil"\naddress = 100\ncount = 3\n'
    row = (
        '[[rows]]\ntable = "coil"\naddress = 101\nencoding = "bit"\npoint = "p5"\n'
        'access = "w"\ndoc = "x"\n'
    )

    async def check(rig: Rig) -> None:
        app = Application(rig.device, loads(profile_text() + block + row))
        assert _ask(app, "0100640001") == "010100"
        assert _ask(app, "0100650001") == "8102"
        assert _ask(app, "050065ff00") == "050065ff00"
        assert _ask(app, "050064ff00") == "8502"

    on_bench(check)


@pytest.mark.parametrize("function", [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43])
def test_a_request_cut_short_is_an_illegal_value(function: int) -> None:
    """Any served function with nothing, or too little, behind it is answered with 0x03."""

    async def check(rig: Rig) -> None:
        app = Application(rig.device, rig.server.profile)
        for size in range(3):
            pdu = bytes([function, 14, 1][: 1 + size])
            assert app.answer(pdu) == bytes([function | 0x80, 3])

    on_bench(check)
