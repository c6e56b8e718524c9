"""500 VDA 5050 vehicles in one process: what a state costs, its latency, the fleet's share.

Whole vehicles, all of them driving, send their state at 2 Hz and with every event through
mosquitto; a client in the same process takes them all. The reference is the same number of bare
paho clients that send ready-made bytes of that size (`benchmarks.mqtt.fleet`), so what is left is
what the vehicles themselves cost.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Iterator

import msgspec

from benchmarks import Ratio, Skipped
from benchmarks.mqtt import fleet
from fixtures.vda5050_orders import Scribe, raw
from twin.brokers import mosquitto
from twin.clock import Clock, run_real
from twin.devices.igv import Igv, IgvParameters
from twin.physics import Pose, load_drive
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, Settings
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.world.bays import Bays
from twin.world.carrier import Carrier

USUAL_S, LIMIT_S = 40.0, 150.0
_TIMING = Timing(minimum_state_s=0.05, state_s=0.5, visualization_s=0.0)


def vehicles(clock: Clock, count: int) -> list[Vehicle]:
    """That many vehicles side by side, each with an order of 20 nodes in hand."""
    trace, engine, parameters = Trace(clock, keep=False), load_drive("kinematic"), IgvParameters()
    found = []
    for number in range(count):
        name, y = f"igv-{number}", 10.0 * number
        carrier = Carrier(
            f"{name}.body",
            clock,
            trace,
            engine,
            parameters.vehicle,
            parameters.energy,
            pose=Pose(0.0, y, 0.0),
        )
        igv = Igv(
            name,
            clock,
            trace,
            random.Random(number),
            carrier=carrier,
            handover=Bays(trace),
            parameters=parameters,
        )
        vehicle = Vehicle(igv, clock, trace, random.Random(number), timing=_TIMING, record=False)
        scribe = Scribe("2.1", serial=name)
        # each on a line of its own spacing: a fleet does not pass its nodes at one instant
        step_m = 25.0 + 10.0 * number / count
        nodes = [scribe.node(f"n{i}", 2 * i, step_m * i, y) for i in range(20)]
        edges = [scribe.edge(2 * i + 1, f"n{i}", f"n{i + 1}") for i in range(19)]
        vehicle.receive(vehicle.topic("order"), raw(scribe.order(nodes=nodes, edges=edges)))
        found.append(vehicle)
    return found


def driven(port: int, count: int, seconds: float) -> tuple[float, float, float]:
    """p99 of the latency in ms, share of a core in %, messages per second; none may be lost."""
    sent_at: dict[str, deque[float]] = defaultdict(deque)
    late_ms: list[float] = []

    def heard(topic: str, _payload: bytes, _qos: int, _retain: bool) -> None:
        late_ms.append(1000 * (time.perf_counter() - sent_at[topic].popleft()))

    async def main(clock: Clock) -> tuple[float, float, float]:
        settings = Settings("127.0.0.1", port, "hub")
        hub = MqttClient(settings, loop=clock.loop, rng=random.Random(0), on_message=heard)
        hub.subscribe("uagv/v2/+/+/state")
        hub.start()
        await hub.wait_connected(30.0)
        everybody = vehicles(clock, count)
        for vehicle in everybody:
            client = vehicle.connect("127.0.0.1", port)
            _stamped(client, sent_at)
            await asyncio.sleep(2.0 / count)  # nor say everything at one instant
        for vehicle in everybody:
            assert vehicle.client is not None
            await vehicle.client.wait_connected(30.0)
        await asyncio.sleep(1.0)
        late_ms.clear()
        sent = sum(vehicle.sent for vehicle in everybody)
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        elapsed_s = time.perf_counter() - wall
        share = (time.process_time() - cpu) / elapsed_s
        rate = (sum(vehicle.sent for vehicle in everybody) - sent) / elapsed_s
        p99 = sorted(late_ms)[int(0.99 * len(late_ms))]
        for vehicle in everybody:
            await vehicle.stop()
        await asyncio.sleep(0.5)
        await hub.stop()
        waiting = sum(map(len, sent_at.values()))
        if waiting:
            raise RuntimeError(f"{waiting} states were lost")
        return p99, 100 * share, rate

    return run_real(main)


def _stamped(client: MqttClient, sent_at: dict[str, deque[float]]) -> None:
    """Note when each state was handed to the client."""
    publish = client.publish

    def noted(topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> bool:
        if topic.endswith("/state"):
            sent_at[topic].append(time.perf_counter())
        return publish(topic, payload, qos, retain)

    client.publish = noted  # type: ignore[method-assign]


def writing_us(rounds: int) -> tuple[float, float]:
    """Microseconds for a whole state of a driving vehicle, and for msgspec's part of it."""

    async def main(clock: Clock) -> tuple[float, float]:
        vehicle = vehicles(clock, 1)[0]
        ready = msgspec.json.decode(vehicle.writer.state(vehicle.logic, vehicle.face))
        encode = msgspec.json.Encoder().encode
        began = time.process_time()
        for _ in range(rounds):
            vehicle.writer.state(vehicle.logic, vehicle.face)
        middle = time.process_time()
        for _ in range(rounds):
            encode(ready)
        end = time.process_time()
        return 1e6 * (middle - began) / rounds, 1e6 * (end - middle) / rounds

    return run_real(main)


def run(quick: bool) -> Iterator[Ratio]:
    """What a state costs, then a fleet through mosquitto."""
    whole, encoding = writing_us(200 if quick else 5000)
    yield Ratio(
        name="vda5050, a state with 19 nodes",
        ours=whole,
        reference=encoding,
        unit="µs",
        reference_name="msgspec encoding the same state",
        better="lower",
    )
    if mosquitto.binary() is None:
        raise Skipped("mosquitto is missing: install mosquitto")
    count, seconds = (30, 1.0) if quick else (500, 10.0)
    with mosquitto.running() as port:
        late_ms, share, rate = driven(port, count, seconds)
        bare_ms, bare_share = fleet(port, count, seconds)
    yield Ratio(
        name=f"vda5050, {count} driving vehicles x 2 Hz, p99 ({rate:,.0f} messages/s)",
        ours=late_ms,
        reference=bare_ms,
        unit="ms",
        reference_name="as many bare paho clients",
        better="lower",
        limit=20.0,
    )
    yield Ratio(
        name=f"vda5050, {count} driving vehicles x 2 Hz, their CPU",
        ours=share,
        reference=bare_share,
        unit="% of a core",
        reference_name="as many bare paho clients",
        better="lower",
        limit=50.0,
    )
