"""Who plays a role: an emulator behind HTTP, a person, an instrument with registers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hil.drivers.instruments import ModbusInstrument, RelayPower
from hil.drivers.manual import ScriptedOperator, TerminalOperator, parse
from hil.drivers.raw import Endpoint
from hil.emulated import bench_control
from hil.emulator import Where
from hil.errors import BenchError, OperatorTimeout, Unreachable
from hil.kits.barrier import KIT
from hil.kits.barrier.emulation import EmulatedBarrier, EmulatedOperator, load_profile
from hil.kits.barrier.hands import BarrierManualHands, BarrierTwinHands
from hil.kits.barrier.instruments import FeedbackAngle, RegisterInclinometer, RelayStimulus
from hil.kits.barrier.roles import ForceGauge, Inclinometer, Stimulus
from hil.kits.barrier.session import BarrierRoles, BarrierSession
from hil.kits.barrier.wire import BarrierWire
from hil.roles import Operator, Power
from hil.runner import drive, judge
from hil.verdict import Verdict
from twin.clock import Clock, run_virtual
from twin.trace import Record, Trace


def virtual(main: Callable[[Clock], Awaitable[Any]]) -> Any:
    return run_virtual(main)  # type: ignore[arg-type]


async def serve(clock: Clock, stack: AsyncExitStack, profile: str = "came-gard") -> tuple[Any, ...]:
    """An emulated barrier with its bench control; ends with `stack`."""
    emulated = EmulatedBarrier(clock, load_profile(profile))
    port = await emulated.start()
    stack.push_async_callback(emulated.stop)
    runner = web.AppRunner(bench_control(emulated), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    control = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return emulated, port, control


def test_the_emulator_is_hardware_to_the_suite(tmp_path: Path) -> None:
    """Bound by bench.toml over Modbus TCP and HTTP alone, the good emulator passes."""
    only = ["BAR-SAF-01", "BAR-SAF-05", "BAR-SAF-08", "BAR-MOT-07", "BAR-REC-03", "BAR-DOC-03",
            "BAR-SAF-04"]  # fmt: skip

    async def main(clock: Clock) -> list[Record]:
        trace = Trace(clock)
        async with AsyncExitStack() as stack:
            _, port, control = await serve(clock, stack)
            paths = KIT.write_templates(tmp_path, "came-gard", Where(port, control, 1.0))
            pics = KIT.emulated_pics("came-gard")
            pixit = KIT.emulated_pixit("came-gard")
            session = KIT.bind(KIT.load_bench(paths[0]), pics, pixit, clock, trace, stack)
            await drive(session, KIT.suite, KIT.register, only=only)
        return list(trace.records())

    records = virtual(main)
    found = judge(records, KIT.suite, KIT.register)
    verdicts = {r.requirement: r.verdict for r in found if r.requirement in only}
    assert verdicts == dict.fromkeys(only, Verdict.PASS)


def test_bench_control_refuses_nonsense() -> None:
    """A wrong body is answered with 400 and a text, and becomes a `BenchError`."""

    async def main(clock: Clock) -> None:
        async with AsyncExitStack() as stack:
            _, _, control = await serve(clock, stack)
            hands = BarrierTwinHands(control, clock)
            stack.push_async_callback(hands.close)
            with pytest.raises(BenchError, match="KeyError"):
                await hands.call("power")
            assert await hands.read() is None
            assert await hands.angle_deg() == 0.0

    virtual(main)


def test_a_dead_emulator_is_a_bench_error() -> None:
    """When the bench control is gone, the message says what to start."""

    async def main(clock: Clock) -> None:
        hands = BarrierTwinHands("http://127.0.0.1:9", clock)
        with pytest.raises(BenchError, match=r"hil\.emulated"):
            await hands.switch(True)
        await hands.close()

    virtual(main)


def test_drivers_satisfy_the_roles() -> None:
    """Real, emulated and human drivers are interchangeable: all have the protocols' methods."""

    async def main(clock: Clock) -> None:
        emulated = EmulatedBarrier(clock, load_profile("came-gard"))
        hands = [
            emulated,
            BarrierTwinHands("http://x", clock),
            BarrierManualHands(ScriptedOperator([]), clock),
        ]
        for one in hands:
            for role in (Stimulus, ForceGauge, Power, Inclinometer):
                assert isinstance(one, role), (one, role)
        assert isinstance(EmulatedOperator(emulated), Operator)
        assert isinstance(hands[1], Operator)

    virtual(main)


def test_the_wire_names_what_does_not_answer() -> None:
    """No listener and no answer are `Unreachable` with place and time."""

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        profile = load_profile("came-gard")
        dead = BarrierWire(Endpoint("127.0.0.1", 9, 1), profile, clock, trace, limit_s=1.0)
        with pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1:9 within 1 s"):
            await dead.connect()
        async with AsyncExitStack() as stack:
            emulated, port, _ = await serve(clock, stack)
            wire = BarrierWire(Endpoint("127.0.0.1", port, 1), profile, clock, trace, limit_s=1.0)
            await wire.read_state()
            emulated.server.inject("silent")
            with pytest.raises(Unreachable, match="no answer to function 3 at 100 within 1 s"):
                await wire.read_state()
            assert not wire.connected
            emulated.server.heal("silent")
            await wire.read_state()
            with pytest.raises(BenchError, match="has no command 'fly'"):
                await wire.command("fly")
            wire.close()

    virtual(main)


def test_a_foreign_profile_is_named() -> None:
    """Reading what the device does not have asks whether the profile fits."""

    async def main(clock: Clock) -> None:
        async with AsyncExitStack() as stack:
            _, port, _ = await serve(clock, stack)
            profile = load_profile("magnetic-mgc")
            wire = BarrierWire(
                Endpoint("127.0.0.1", port, 1), profile, clock, Trace(clock), limit_s=1.0
            )
            with pytest.raises(BenchError, match="does profile 'magnetic-mgc' fit this device"):
                await wire.read_state()
            wire.close()

    virtual(main)


# ---------------------------------------------------------------- instruments


def test_relays_and_registers() -> None:
    """Power and inputs by relays, the angle by a register, what no relay can do by a person."""

    async def main(clock: Clock) -> None:
        async with AsyncExitStack() as stack:
            emulated, port, _ = await serve(clock, stack, "remote-io")
            io = emulated.server.device
            tool = ModbusInstrument("relays", "127.0.0.1", port, 1)
            stack.push_async_callback(tool.close)
            await RelayPower(tool, 0, on_closed=False).switch(True)
            assert io.points["lamp_red"].read() is False
            await RelayPower(tool, 0, on_closed=False).switch(False)
            assert io.points["lamp_red"].read() is True
            person = ScriptedOperator([True, True, True, True, True])
            hands = RelayStimulus(tool, {"safety": 1}, BarrierManualHands(person, clock))
            await hands.set_input("safety", True)
            assert io.points["lamp_green"].read() is True
            assert person.asked == []
            await hands.set_input("emergency_stop", True)
            await hands.place_obstacle(20.0)
            await hands.remove_obstacle()
            await hands.block_drive(True)
            await hands.block_drive(False)
            assert [text.split()[0] for text in person.asked] == [
                "Activate", "Fix", "Take", "Keep", "Let",
            ]  # fmt: skip
            meter = RegisterInclinometer(
                tool, table="holding", address=32, scale=0.5, offset_deg=-1.0, uncertainty_deg=0.1
            )
            assert await meter.angle_deg() == 0.5 * 0b11 - 1.0
            with pytest.raises(BenchError, match="relays: write_coil"):
                await RelayPower(tool, 999, on_closed=True).switch(True)

    virtual(main)


def test_an_instrument_that_is_off() -> None:
    """An instrument that cannot be reached is named by its role."""

    async def main(clock: Clock) -> None:
        with pytest.raises(BenchError, match="power: no connection"):
            await RelayPower(
                ModbusInstrument("power", "127.0.0.1", 9, 1), 0, on_closed=True
            ).switch(True)

    virtual(main)


def test_the_devices_own_position_proves_nothing_about_itself() -> None:
    """With feedback as angle, motion is judged but honesty is INCONCLUSIVE."""

    async def main(clock: Clock) -> list[Record]:
        trace = Trace(clock)
        async with AsyncExitStack() as stack:
            emulated, port, _ = await serve(clock, stack)
            pics, pixit = (
                KIT.emulated_pics("came-gard"),
                KIT.emulated_pixit("came-gard"),
            )
            wire = BarrierWire(Endpoint("127.0.0.1", port, 1), emulated.profile, clock, trace,
                               limit_s=1.0)  # fmt: skip
            roles = BarrierRoles(inclinometer=FeedbackAngle(wire))
            session = BarrierSession(clock, trace, wire, roles, pics, pixit)
            only = ["BAR-MOT-01", "BAR-MOT-03", "BAR-MOT-06"]
            await drive(session, KIT.suite, KIT.register, only=only)
        return list(trace.records())

    found = judge(virtual(main), KIT.suite, KIT.register)
    verdicts = {r.requirement: r.verdict for r in found}
    assert verdicts["BAR-MOT-01"] is Verdict.PASS
    assert verdicts["BAR-MOT-03"] is verdicts["BAR-MOT-06"] is Verdict.INCONCLUSIVE


# ---------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("line", "kind", "answer"),
    [
        ("y", "confirm", True), ("Có", "confirm", True), ("是", "confirm", True),
        ("NO", "confirm", False), ("不", "confirm", False), ("maybe", "confirm", None),
        ("12,5", "number", 12.5), ("x", "number", None), ("fine", "text", "fine"),
        ("", "text", None),
    ],
)  # fmt: skip
def test_answers(line: str, kind: Any, answer: Any) -> None:
    """Answers are read in three languages; what cannot be read is asked again."""
    assert parse(line, kind) == answer


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    try:
        os.close(write)
    except OSError:
        pass


def test_the_terminal_asks_again_and_records(pipe: tuple[int, int]) -> None:
    """A line that cannot be read is asked for again; the prompt is in the trace."""
    said: list[str] = []
    os.write(pipe[1], b"perhaps\ny\n")

    async def main(clock: Clock) -> tuple[Any, Trace]:
        trace = Trace(clock)
        operator = TerminalOperator(trace, say=said.append, fd=pipe[0])
        return await operator.ask("Is it open?", "confirm", 10.0), trace

    answer, trace = virtual(main)
    assert answer is True
    assert sum("Is it open? [y/n]" in text for text in said) == 2
    assert [record.kind for record in trace.records()] == ["prompt", "reply"]


def test_the_operator_has_a_time_limit(pipe: tuple[int, int]) -> None:
    """Nobody answers: an `OperatorTimeout` with the question, in the trace, too."""

    async def main(clock: Clock) -> Trace:
        trace = Trace(clock)
        operator = TerminalOperator(trace, say=lambda _: None, fd=pipe[0])
        with pytest.raises(OperatorTimeout, match="no answer within 600 s to: Hello"):
            await operator.ask("Hello?", "text", 600.0)
        assert clock.now_s() == 600.0
        return trace

    assert [record.kind for record in virtual(main).records()] == ["prompt", "no answer"]


def test_a_closed_terminal_is_a_bench_error(pipe: tuple[int, int]) -> None:
    """Nobody can answer on a closed standard input, so nobody waits for it."""
    os.close(pipe[1])

    async def main(clock: Clock) -> None:
        operator = TerminalOperator(Trace(clock), say=lambda _: None, fd=pipe[0])
        with pytest.raises(BenchError, match="standard input is closed"):
            await operator.ask("Hello?", "text", 600.0)

    virtual(main)


def test_no_terminal_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench may be bound without a terminal; only asking needs one."""
    monkeypatch.setattr("sys.stdin", None)

    async def main(clock: Clock) -> None:
        operator = TerminalOperator(Trace(clock), say=lambda _: None)
        with pytest.raises(BenchError, match="no standard input"):
            await operator.ask("Hello?", "text", 600.0)

    virtual(main)


def test_manual_hands_ask_only_for_changes() -> None:
    """What is so already is not asked for; a refusal is a `BenchError`; numbers make a record."""

    async def main(clock: Clock) -> None:
        person = ScriptedOperator([True, True, True, 312.0, 0.0, 0.0, True, False])
        hands = BarrierManualHands(person, clock)
        await hands.remove_obstacle()
        await hands.switch(True)
        await hands.set_input("safety", False)
        assert person.asked == []
        await hands.switch(False)
        await hands.place(4.8)
        record = await hands.read()
        assert record is not None
        assert (record.peak_n, hands.uncertainty_n) == (312.0, 15.6)
        await hands.remove()
        with pytest.raises(BenchError, match="could not do: Switch the barrier's mains on"):
            await hands.switch(True)
        with pytest.raises(BenchError, match="no scripted answer"):
            await hands.switch(True)
        assert await hands.angle_deg() is None

    virtual(main)


def test_an_unanswered_prompt_is_asked_again() -> None:
    """After an interruption nobody knows whether the obstacle stands there: the person is asked."""

    class Interrupted:
        asked: list[str] = []  # noqa: RUF012 - one instance

        async def ask(self, question: str, kind: str, limit_s: float) -> bool:
            self.asked.append(question)
            if len(self.asked) == 1:
                raise OperatorTimeout("nobody")
            return True

    async def main(clock: Clock) -> list[str]:
        person = Interrupted()
        hands = BarrierManualHands(person, clock)  # type: ignore[arg-type]
        with pytest.raises(OperatorTimeout):
            await hands.place_obstacle(20.0)
        await hands.remove_obstacle()
        await hands.remove_obstacle()
        return person.asked

    assert [text.split()[0] for text in virtual(main)] == ["Fix", "Take"]


def test_no_touch_is_no_record() -> None:
    """When the operator says that nothing touched the instrument, there is no force record."""

    async def main(clock: Clock) -> None:
        assert await BarrierManualHands(ScriptedOperator([False]), clock).read() is None

    virtual(main)


def test_bench_binds_every_driver(tmp_path: Path) -> None:
    """A bench of hardware: relays, a register, people; each role gets its driver."""
    text = """
[bench]
id = "hall-3"
site = "workshop"
[barrier]
driver = "modbus"
host = "10.0.0.5"
port = 502
[inclinometer]
driver = "modbus"
host = "10.0.0.6"
port = 502
address = 4
scale = 0.01
[stimulus]
driver = "modbus"
host = "10.0.0.7"
port = 502
coils = { safety = 0, emergency_stop = 1 }
[force_gauge]
driver = "manual"
[power]
driver = "modbus"
host = "10.0.0.7"
port = 502
coil = 2
[operator]
driver = "manual"
"""
    (tmp_path / "bench.toml").write_text(text, encoding="utf-8")
    file = KIT.load_bench(tmp_path / "bench.toml")

    async def main(clock: Clock) -> list[str]:
        pics = KIT.emulated_pics("came-gard")
        async with AsyncExitStack() as stack:
            pixit = KIT.emulated_pixit("came-gard")
            session = KIT.bind(file, pics, pixit, clock, Trace(clock), stack,
                               operator=ScriptedOperator([]))  # fmt: skip
            names = ("inclinometer", "stimulus", "force_gauge", "power", "operator")
            return [type(getattr(session.roles, name)).__name__ for name in names]

    assert virtual(main) == [
        "RegisterInclinometer", "RelayStimulus", "BarrierManualHands", "RelayPower",
        "ScriptedOperator",
    ]  # fmt: skip
    feedback = text.replace('driver = "modbus"\nhost = "10.0.0.6"', 'driver = "feedback"')
    (tmp_path / "bench.toml").write_text(
        feedback.replace("port = 502\naddress = 4\nscale = 0.01\n", ""), encoding="utf-8"
    )
    assert KIT.load_bench(tmp_path / "bench.toml").inclinometer is not None
