"""A state machine sets boxes on a rack, breaks it, and reads it over Modbus."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pymodbus.client import AsyncModbusTcpClient

from tests.reefer.test_reefer import FROZEN, FRUIT, Terminal
from twin import profiles
from twin.clock import Session
from twin.devices.reefer import ReeferRack
from twin.wires.modbus import ModbusServer
from twin.world.yard import Box


class RackMachine(RuleBasedStateMachine):
    """The model is which box is where, and how long each was too warm, counted by steps."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        self.t = Terminal(self.session.clock)
        self.where: dict[str, int] = {}
        self.warm_s = {FROZEN.number: 0.0, FRUIT.number: 0.0}
        self.steps = 0
        self.server = ModbusServer(
            self.t.rack, profiles.load("reefer-rack"), clock=self.session.clock, trace=self.t.trace
        )
        self.port = self.session.run(self.server.start())

    def _ask(self, name: str, *arguments: Any, **more: Any) -> Any:
        """One request over a connection of its own: an idle one would be closed after a minute."""

        async def visit() -> Any:
            client = AsyncModbusTcpClient("127.0.0.1", port=self.port)
            await client.connect()
            try:
                return await getattr(client, name)(*arguments, **more, device_id=1)
            finally:
                client.close()

        return self.session.run(visit())

    def _words(self, address: int, count: int) -> list[int]:
        got = self._ask("read_input_registers", address, count=count)
        return [word - 65_536 if word > 32_767 else word for word in got.registers]

    def _bits(self, address: int, count: int) -> list[bool]:
        got = self._ask("read_discrete_inputs", address, count=count)
        found: list[bool] = got.bits[:count]
        return found

    @rule(box=st.sampled_from([FROZEN, FRUIT]), socket=st.integers(0, 3))
    def is_set_down(self, box: Box, socket: int) -> None:
        if box.number not in self.where and socket not in self.where.values():
            self.t.set(box, socket)
            self.where[box.number] = socket

    @precondition(lambda self: self.where)
    @rule(data=st.data())
    def is_lifted(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.where)))
        self.t.lift(self.where.pop(number))

    @rule(socket=st.integers(0, 3), plug=st.booleans())
    def a_hand_is_sent(self, socket: int, plug: bool) -> None:
        self._ask("write_coil", socket, plug)

    @rule(fault=st.sampled_from(["power", "socket_dead", "unit_broken"]), on=st.booleans())
    def breaks(self, fault: str, on: bool) -> None:
        more = {} if fault == "power" else {"socket": "1"}
        if on:
            self.t.rack.inject(fault, **more)
        else:
            self.t.rack.heal(fault)

    @rule(minutes=st.sampled_from([1, 7, 45, 180]))
    def time_passes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.session.run(self.session.clock.sleep(60.0))
            for number, unit in self.t.units.items():
                self.warm_s[number] += 60.0 * (unit.return_c() > unit.limit_c)
        self.steps += 1

    @invariant()
    def the_registers_show_what_is_there(self) -> None:
        for number, socket in self.where.items():
            unit = self.t.units[number]
            supply, back, excursion, _ = self._words(10 * socket, 4)
            occupied, powered, alarm = self._bits(10 * socket, 3)
            assert occupied
            assert powered == unit.powered
            assert (back == -32_768) == (not unit.powered)
            if unit.powered:
                assert abs(back / 10 - unit.return_c()) <= 0.11
                assert supply <= back
            assert abs(excursion * 60 - self.warm_s[number]) <= 120.0 * (self.steps + 1)
            if alarm:
                assert unit.excursion_s() >= unit.parameters.excursion_limit_s - 1
            elif unit.excursion_s() > unit.parameters.excursion_limit_s + 1:
                raise AssertionError(f"{number} was too warm and no alarm shows")
        for socket in set(range(4)) - set(self.where.values()):
            assert self._bits(10 * socket, 3) == [False, False, False]

    def teardown(self) -> None:
        self.session.run(self.server.stop())
        self.session.__exit__(None, None, None)


QUICK = settings(
    max_examples=10, stateful_step_count=15, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_the_rack_is_honest_whatever_stands_on_it() -> None:
    """In any order of boxes, plugs, faults and time, registers and alarms are true."""
    run_state_machine_as_test(RackMachine, settings=QUICK)


@pytest.mark.slow
def test_the_machine_finds_a_rack_without_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rack that never raises an alarm does not survive the machine."""
    monkeypatch.setattr(ReeferRack, "alarm", lambda self, number: False)
    found = settings(
        QUICK, max_examples=60, stateful_step_count=25, phases=[Phase.generate], print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(RackMachine, settings=found)
