"""The rack's kit against a Modbus server that we did not write."""

from __future__ import annotations

from functools import cache

import pytest

from hil import kit as kits
from hil.emulation import Forget
from hil.runner import drive, judge
from hil.verdict import Result, Verdict
from tests.hil.pymodbus_rack import PymodbusRack
from twin.clock import Clock, run_virtual
from twin.trace import Record, Trace

KNOWN = {
    "RFR-WIR-03": "serves function 7, which the papers deny, and cannot be told not to",
    "RFR-WIR-05": "exceptions of requests that it cannot decode come under function code 0x80",
    "RFR-WIR-06": "takes every value of a coil for ON",
    "RFR-WIR-08": "keeps the last of several requests and forgets those before it",
    "RFR-WIR-10": "the same of two frames in one segment",
    "RFR-WIR-17": "as WIR-05, and the transaction is lost, too",
}
"""What is known of pymodbus' server (3.16), read in its request handler and its decoder."""


@cache
def judged(group: str) -> dict[str, Result]:
    """What the kit says of a rack behind pymodbus; `DOC` or all but that and the recovery."""
    kit = kits.load("reefer")
    pics, pixit = kit.emulated_pics("reefer-rack"), kit.emulated_pixit("reefer-rack")

    async def main(clock: Clock) -> list[Record]:
        trace, bench = Trace(clock), PymodbusRack(clock, Forget(clock))
        port = await bench.start()
        try:
            session = kit.beside(clock, trace, bench, port, pics, pixit)
            if group == "DOC":
                only = ["RFR-DOC-01"]
            else:
                only = [one.id for one in kit.register if one.group not in ("DOC", "REC")]
            await drive(session, kit.suite, kit.register, only=only)
        finally:
            await bench.stop()
        return list(trace.records())

    found = judge(run_virtual(main), kit.suite, kit.register)
    return {one.requirement: one for one in found if one.verdict is not Verdict.NOT_RUN}


@pytest.mark.slow
def test_a_foreign_server_shows_its_known_defects_and_no_other() -> None:
    """Everything of sockets, temperatures, set points, alarms and messages passes through it."""
    found = {name for name, one in judged("").items() if one.verdict is Verdict.FAIL}
    assert found == set(KNOWN), {name: judged("")[name].text for name in found ^ set(KNOWN)}
    rest = {one.verdict for name, one in judged("").items() if name not in KNOWN}
    assert rest == {Verdict.PASS}
    assert len(judged("")) > 50


def test_papers_that_such_a_server_does_not_keep_are_refused() -> None:
    """Probed with requests that cannot be carried out it denies every function it has."""
    (one,) = judged("DOC").values()
    assert one.verdict is Verdict.FAIL
    assert "function 3 is declared, the device answers 8001" in one.text
