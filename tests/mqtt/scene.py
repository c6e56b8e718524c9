"""A scene with paho clients and every link fault, run by itself: prints the hash of its trace."""

from __future__ import annotations

import random
import sys

from twin.clock import Clock, run_virtual
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, MqttServer, Settings, Will


async def scene(clock: Clock, seed: int) -> str:
    """Ten vehicles over bad links for two minutes."""
    trace = Trace(clock)
    server = MqttServer(clock=clock, trace=trace, rng=random.Random(seed))
    port = await server.start()
    fleet = [_client(clock, port, trace, f"igv-{number}") for number in range(10)]
    hub = _client(clock, port, trace, "hub")
    hub.subscribe("igv/+/state")
    hub.subscribe("igv/+/connection", 1)
    for one in (hub, *fleet):
        one.start()
    links = server.link("igv-*")
    links.inject("delay", delay_s=0.05, jitter_s=0.1)
    links.inject("loss", probability=0.1, burst=3.0, topic="igv/+/state")
    links.inject("duplicate", probability=0.1)
    links.inject("reorder", probability=0.1, hold_s=0.7)
    links.inject("corrupt", probability=0.05)
    for second in range(120):
        await clock.sleep(1.0)
        for number, one in enumerate(fleet):
            one.publish(f"igv/{number}/state", b'{"headerId": %d}' % second)
        if second == 20:
            server.link("igv-3").inject("half_open")
        if second == 60:
            server.link("igv-3").heal("half_open")
            server.link("igv-4").inject("handover", gap_s=5.0, after="reset")
        if second == 80:
            fleet[5].kill()
        if second == 90:
            fleet[5].start()
    for one in (hub, *fleet):
        await one.stop()
    await server.stop()
    kinds = {record.kind for record in trace.records()}
    wanted = {"link.lost", "link.delayed", "link.duplicated", "link.held_back", "link.corrupted"}
    assert wanted | {"mqtt.will", "got", "link.released"} <= kinds, kinds
    return trace.sha256()


def _client(clock: Clock, port: int, trace: Trace, name: str) -> MqttClient:
    settings = Settings(
        "127.0.0.1", port, name, will=Will(f"igv/{name[4:]}/connection", b"CONNECTIONBROKEN")
    )
    return MqttClient(
        settings,
        loop=clock.loop,
        rng=random.Random(name),
        on_connect=lambda present: trace(name, "connected", present=present),
        on_disconnect=lambda reason: trace(name, "lost", reason=reason),
        on_message=lambda topic, payload, qos, _: trace(
            name, "got", topic=topic, payload=payload, qos=qos
        ),
    )


if __name__ == "__main__":
    chosen = int(sys.argv[1])
    print(run_virtual(lambda clock: scene(clock, chosen), seed=chosen))
