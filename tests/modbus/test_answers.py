"""What a profile's rows and quirks become on the wire, byte by byte."""

from __future__ import annotations

import pytest

from tests.modbus.bench import Rig, on_bench, profile_text
from twin.errors import ConfigError
from twin.profiles import loads
from twin.wires.modbus import Application

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
