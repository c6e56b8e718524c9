"""Our broker against the table of behaviours, in virtual time."""

from __future__ import annotations

import pytest

from tests.mqtt import behaviour
from tests.mqtt.bench import on_broker


@pytest.mark.parametrize("name", behaviour.ROWS)
def test_our_broker_behaves(name: str) -> None:
    """Each row of the table holds."""
    on_broker(behaviour.ROWS[name])


@pytest.mark.parametrize("what", behaviour.WRONG)
def test_a_wrong_packet_closes_the_connection(what: str) -> None:
    """The connection ends, and the trace names the clause."""
    clause, data = behaviour.WRONG[what]

    async def test(place):
        await behaviour.closes(place, data)
        return [r["reason"] for r in place.kinds("mqtt.conn") if r["event"] == "close"]

    (reason,) = on_broker(test)
    assert reason.startswith("protocol error: ")
    alike = {"MQTT-4.7.1-1": "MQTT-3.3.2-2", "MQTT-1.5.3-2": "MQTT-4.7.3-2"}
    assert f"[{alike.get(clause, clause)}]" in reason


@pytest.mark.parametrize("what", behaviour.WRONG_CONNECT)
def test_a_wrong_connect_is_refused(what: str) -> None:
    """No session comes of it."""
    _, body = behaviour.WRONG_CONNECT[what]

    async def test(place):
        await behaviour.refuses(place, body)
        assert place.server.broker.sessions == {}
        return [r["event"] for r in place.kinds("mqtt.conn")]

    assert on_broker(test) == ["refused"]
