"""Who plays a role at a weighbridge: an emulator behind HTTP, a person with weights, registers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from hil.drivers.manual import ScriptedOperator
from hil.emulated import bench_control
from hil.emulator import Where
from hil.errors import BenchError, Unreachable
from hil.kits.weighbridge import KIT
from hil.kits.weighbridge.bench import ScaleDevice
from hil.kits.weighbridge.emulation import PROFILES, EmulatedWeighbridge, load_profile
from hil.kits.weighbridge.hands import WeighbridgeManualHands, WeighbridgeTwinHands, Weight, choose
from hil.kits.weighbridge.metrology import EXTRA_E, EXTRA_STEPS
from hil.kits.weighbridge.roles import Load, Thermometer, Weights
from hil.kits.weighbridge.session import WeighbridgeRoles
from hil.roles import Operator, Power
from hil.runner import drive, judge
from hil.verdict import Verdict
from twin.clock import Clock, run_virtual
from twin.errors import ConfigError
from twin.trace import Record, Trace

EXAMPLE = Path(__file__).parents[2] / "examples/bench-weighbridge.toml"
TODAY = dt.date(2027, 1, 1)


def virtual(main: Callable[[Clock], Awaitable[Any]]) -> Any:
    return run_virtual(main)  # type: ignore[arg-type]


async def serve(clock: Clock, stack: AsyncExitStack, profile: str) -> tuple[Any, int, str]:
    """An emulated weighbridge with its bench control; ends with `stack`."""
    emulated = EmulatedWeighbridge(clock, load_profile(profile))
    port = await emulated.start()
    stack.push_async_callback(emulated.stop)
    runner = web.AppRunner(bench_control(emulated), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return emulated, port, f"http://127.0.0.1:{runner.addresses[0][1]}"


def at(port: int) -> ScaleDevice:
    """What a bench file says of a weighbridge on this computer."""
    return ScaleDevice(driver="wire", host="127.0.0.1", port=port)


SOME = {
    "modbus": ["WGH-MET-01", "WGH-MET-17", "WGH-REC-03", "WGH-DOC-02", "WGH-WIR-31"],
    "toledo-check": ["WGH-MET-15", "WGH-TOL-07", "WGH-TOL-05", "WGH-REC-05"],
}


@pytest.mark.parametrize("profile", SOME)
def test_the_emulator_is_hardware_to_the_suite(tmp_path: Path, profile: str) -> None:
    """Bound by bench.toml over its wire and HTTP alone, the good emulator passes."""
    only = SOME[profile]

    async def main(clock: Clock) -> list[Record]:
        trace = Trace(clock)
        async with AsyncExitStack() as stack:
            _, port, control = await serve(clock, stack, profile)
            paths = KIT.write_templates(tmp_path, profile, Where(port, control, 1.0))
            papers = KIT.emulated_pics(profile), KIT.emulated_pixit(profile)
            bound = KIT.bind(KIT.load_bench(paths[0]), *papers, clock, trace, stack)
            await drive(bound, KIT.suite, KIT.register, only=only)
        return list(trace.records())

    found = judge(virtual(main), KIT.suite, KIT.register)
    verdicts = {r.requirement: r.verdict for r in found if r.requirement in only}
    assert verdicts == dict.fromkeys(only, Verdict.PASS)


def test_drivers_satisfy_the_roles() -> None:
    """Emulated hands, those in another process and a person's are interchangeable."""

    async def main(clock: Clock) -> None:
        emulated = EmulatedWeighbridge(clock, load_profile("modbus"))
        twin = WeighbridgeTwinHands("http://x", clock)
        manual = WeighbridgeManualHands(ScriptedOperator([]), clock)
        for one in (emulated, twin, manual):
            for role in (Weights, Power, Thermometer):
                assert isinstance(one, role), (one, role)
        assert isinstance(emulated, Operator)
        assert isinstance(twin, Operator)

    virtual(main)


def test_impossible_loads_are_bench_errors() -> None:
    """What cannot be put on the platform is refused by name, mass and limit."""

    async def main(clock: Clock) -> None:
        async with AsyncExitStack() as stack:
            emulated, _, control = await serve(clock, stack, "modbus")
            hands = WeighbridgeTwinHands(control, clock)
            stack.push_async_callback(hands.close)
            with pytest.raises(BenchError, match="500000 kg cannot be put on this platform"):
                await hands.place(500_000.0, 0.5, 0.0)
            with pytest.raises(BenchError, match=r"place 1\.2 is not on the platform"):
                await hands.place(100.0, 1.2, 0.0)
            assert (await hands.place(40_000.0, 0.5, 2.0)).uncertainty_kg == pytest.approx(2.0001)
            # Class M1: nobody knows the mass better than to its tolerance.
            assert await hands.load_kg() == pytest.approx(40_002.0, abs=2.0)
            assert emulated.deck.load_kg == pytest.approx(40_002.0, abs=2.0)
            assert await hands.temperature_c() == 23.0

    virtual(main)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_wire_names_what_does_not_answer(profile: str) -> None:
    """No listener, a silent line and an unknown order are errors with place and time."""

    async def main(clock: Clock) -> None:
        papers = KIT.emulated_pics(profile), KIT.emulated_pixit(profile)
        trace = Trace(clock)
        dead = KIT.wire(at(9), *papers, clock, trace)
        with pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1:9 within 1 s"):
            await dead.connect()
        async with AsyncExitStack() as stack:
            emulated, port, _ = await serve(clock, stack, profile)
            wire = KIT.wire(at(port), *papers, clock, trace)
            assert (await wire.read_state())["shown_kg"] == 0
            emulated.server.inject("silent")
            with pytest.raises(Unreachable, match="within 1 s"):
                await wire.read_state()
            assert not wire.connected
            emulated.server.heal("silent")
            await wire.read_state()
            with pytest.raises(BenchError, match="has no command 'fly'"):
                await wire.command("fly")
            assert not wire.can("fly")
            wire.abort()
            assert not wire.connected

    virtual(main)


def test_a_device_that_hangs_up_is_unreachable() -> None:
    """The Toledo line ends while a frame is waited for: an error at once, not a hang."""

    async def main(clock: Clock) -> None:
        papers = KIT.emulated_pics("toledo"), KIT.emulated_pixit("toledo")
        async with AsyncExitStack() as stack:
            emulated, port, _ = await serve(clock, stack, "toledo")
            wire = KIT.wire(at(port), *papers, clock, Trace(clock))
            await wire.read_state()
            clock.call_later(0.01, lambda: emulated.server.inject("link_down"))
            with pytest.raises(Unreachable, match="closed the connection"):
                await wire.read_state()

    virtual(main)


def test_a_demand_terminal_is_asked() -> None:
    """A terminal that sends only for P is read all the same."""

    async def main(clock: Clock) -> float:
        papers = KIT.emulated_pics("toledo"), KIT.emulated_pixit("toledo")
        profile = msgspec.structs.replace(load_profile("toledo"), mode="demand")
        emulated = EmulatedWeighbridge(clock, profile)
        port = await emulated.start()
        wire = KIT.wire(at(port), *papers, clock, Trace(clock))
        wire.profile = profile  # type: ignore[attr-defined]
        shown = (await wire.read_state())["shown_kg"]
        wire.close()
        await emulated.stop()
        return float(shown)

    assert virtual(main) == 0.0


def test_profile_and_protocol_have_to_fit() -> None:
    """A PICS that names a profile of the other wire is refused before anything is sent."""

    async def main(clock: Clock) -> None:
        pics = msgspec.structs.replace(KIT.emulated_pics("modbus"), profile="toledo")
        with pytest.raises(BenchError, match=r"'toledo' is of mettler-toledo-continuous, not of"):
            KIT.wire(at(9), pics, KIT.emulated_pixit("modbus"), clock, Trace(clock))

    virtual(main)


# ---------------------------------------------------------------- people and their weights

SET = [
    Weight(name="truck", mass_kg=40_000.0, uncertainty_kg=4.0),
    Weight(name="block", mass_kg=1000.0, count=4, accuracy_class="M1"),
    Weight(name="small", mass_kg=2.0, count=20, accuracy_class="M2"),
]


def test_a_person_is_told_which_weights() -> None:
    """Names, numbers and the place are in the prompt; masses and uncertainties add up."""

    async def main(clock: Clock) -> tuple[list[str], list[Load]]:
        person = ScriptedOperator([True] * 4)
        hands = WeighbridgeManualHands(person, clock, SET)
        loads = [
            await hands.place(42_000.0, 0.1, 0.0),
            await hands.place(42_000.0, 0.1, 0.0),
            await hands.place(42_000.0, 0.1, 12.0),
            await hands.place(0.0, 0.5, 0.0),
        ]
        assert await hands.load_kg() == 0.0
        await hands.roll(40_000.0)
        assert await hands.load_kg() is None
        return person.asked, loads

    asked, loads = virtual(main)
    assert asked[0].startswith(
        "Let only this lie at the entry of the platform: 1 × truck (40000 kg, no class), "
        "2 × block (1000 kg, M1)."
    )
    assert "6 × small (2 kg, M2)" in asked[1]
    assert asked[2].startswith("Take everything off")
    assert "walking pace" in asked[3]
    assert loads[0] == loads[1]
    assert loads[0].uncertainty_kg == pytest.approx(4.0 + 2 * 0.05)
    assert loads[2] == Load(42_000.0, 12.0, pytest.approx(4.1 + 6 * 2 * 1.6e-4))
    assert loads[3] == Load(0.0, 0.0, 0.0)


def test_a_set_that_does_not_make_the_load() -> None:
    """The message says what the set makes and what is needed; nobody is asked."""

    async def main(clock: Clock) -> None:
        person = ScriptedOperator([False])
        hands = WeighbridgeManualHands(person, clock, SET)
        with pytest.raises(BenchError, match="makes 44040 kg at best, 60000 kg are needed"):
            await hands.place(60_000.0, 0.5, 0.0)
        assert person.asked == []
        with pytest.raises(BenchError, match="could not do: Let only this lie"):
            await hands.place(2_000.0, 0.5, 0.0)
        assert await hands.load_kg() is None

    virtual(main)


def test_the_example_set_makes_every_load_of_the_suite() -> None:
    """examples/bench-weighbridge.toml is enough for a scale of 80 t, additional weights and all."""
    file = KIT.load_bench(EXAMPLE, today=TODAY)
    pics, pixit = KIT.emulated_pics("modbus"), KIT.emulated_pixit("modbus")
    loads = [*pixit.loads_kg, 200.0, 208.0, 500.0, 800.0, 4_000.0, pixit.eccentric_kg,
             pixit.eccentric_kg + 8.0, pixit.eccentric_kg + 8.0 + pixit.repeat_kg,
             pics.max_kg + 15 * pics.e_kg, 1_000.0]  # fmt: skip
    extras = [28.0, *(EXTRA_E * pics.e_kg * n for n in range(EXTRA_STEPS + 1))]
    for mass_kg in loads:
        person = ScriptedOperator([True] * len(extras))

        async def main(clock: Clock, mass_kg: float = mass_kg, person: Any = person) -> None:
            hands = WeighbridgeManualHands(person, clock, file.weights.set)
            for extra_kg in extras if mass_kg <= pics.max_kg else [0.0]:
                load = await hands.place(mass_kg, 0.5, extra_kg)
                assert load.mass_kg == pytest.approx(mass_kg, rel=0.02)
                assert load.extra_kg == pytest.approx(extra_kg)

        virtual(main)


def test_weights_are_taken_from_the_largest() -> None:
    """No piece is taken twice."""
    assert [(w.name, n) for w, n in choose(SET, 45_000.0)] == [
        ("truck", 1), ("block", 4), ("small", 20),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('driver = "wire"', 'driver = "modbus"', r"weighbridge\.driver"),
        ("mass_kg = 1000.0", "mass_kg = -1.0", "mass_kg"),
        ('accuracy_class = "M1"', 'accuracy_class = "F2"', "accuracy_class"),
        ("coil = 0", "", "needs the key 'coil'"),
    ],
)
def test_a_wrong_bench_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Impossible drivers, masses, classes and missing keys name their place."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "bench.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        KIT.load_bench(tmp_path / "bench.toml", today=TODAY)


def test_a_person_needs_a_set_of_weights(tmp_path: Path) -> None:
    """Weights by hand without a list of weights are refused when the file is read."""
    KIT.write_templates(tmp_path, "modbus")
    path = tmp_path / "bench.toml"
    text = path.read_text(encoding="utf-8")
    old = "[weights]                     # reference weights and who puts them on the platform\n"
    assert old in text
    text = text.replace(old + 'driver = "twin"', '[weights]\ndriver = "manual"', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="needs the key 'set'"):
        KIT.load_bench(path)


def test_the_example_binds() -> None:
    """A person's weights, a relay, the Toledo wire: each role gets its driver."""

    async def main(clock: Clock) -> list[str]:
        async with AsyncExitStack() as stack:
            file = KIT.load_bench(EXAMPLE, today=TODAY)
            papers = KIT.emulated_pics("toledo"), KIT.emulated_pixit("toledo")
            bound = KIT.bind(
                file, *papers, clock, Trace(clock), stack, operator=ScriptedOperator([])
            )
            names = ("weights", "thermometer", "power", "operator")
            drivers = [getattr(bound.roles, name) for name in names]  # type: ignore[attr-defined]
            return [type(one).__name__ for one in (*drivers, bound.scale)]  # type: ignore[attr-defined]

    assert virtual(main) == [
        "WeighbridgeManualHands", "WeighbridgeManualHands", "RelayPower", "ScriptedOperator",
        "ToledoWire",
    ]  # fmt: skip


PERSON = ["WGH-MET-06", "WGH-MET-10", "WGH-MET-15", "WGH-REC-05", "WGH-MET-16"]


def test_a_person_can_do_the_weighing_test() -> None:
    """With prompts instead of emulated hands the errors are found and judged just the same."""

    async def main(clock: Clock) -> list[Record]:
        trace = Trace(clock)
        emulated = EmulatedWeighbridge(clock, load_profile("modbus"))
        port = await emulated.start()
        file = KIT.load_bench(EXAMPLE, today=TODAY)

        class Person:
            """Puts on the platform what the prompt lists."""

            async def ask(self, question: str, kind: str, limit_s: float) -> Any:
                if kind == "number":
                    return 21.5
                mass_kg = 0.0
                for number, each in re.findall(r"(\d+) × [^(]*\(([\d.]+) kg", question):
                    mass_kg += int(number) * float(each)
                if "When you have answered" in question:
                    clock.call_later(4.0, lambda: emulated.deck.put(mass_kg, 0.5))
                else:
                    await emulated.place(mass_kg, 0.5, 0.0)
                return True

        hands = WeighbridgeManualHands(Person(), clock, file.weights.set)  # type: ignore[arg-type]
        roles = WeighbridgeRoles(power=emulated, weights=hands, thermometer=hands)
        papers = KIT.emulated_pics("modbus"), KIT.emulated_pixit("modbus")
        wire = KIT.wire(at(port), *papers, clock, trace)
        bound = KIT.session(clock, trace, wire, roles, *papers)
        await drive(bound, KIT.suite, KIT.register, only=PERSON)
        await emulated.stop()
        return list(trace.records())

    found = {r.requirement: r for r in judge(virtual(main), KIT.suite, KIT.register)}
    for name in PERSON[:-1]:
        assert found[name].verdict is Verdict.PASS, found[name].text
    # Nobody knows the instant at which a person's load comes down.
    assert found["WGH-MET-16"].verdict is Verdict.INCONCLUSIVE
