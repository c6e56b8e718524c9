"""MQTT messages per second and a fleet of 500: our broker and mosquitto, one after the other.

The client of the first rows is a plain socket that sends ready-made bytes, so that the broker is
what is measured: 1 kB at QoS 0 and 1 from one publisher, to one subscriber and to twenty, with a
bounded number on their way so that neither broker may drop. The fleet is `MqttClient` on paho in
this process, 2 Hz each, latency from the stamp in the payload that a further client receives.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import Ratio, Skipped
from benchmarks.modbus import serving
from twin.brokers import mosquitto
from twin.clock import Clock, run_real
from twin.wires.mqtt import MqttClient, Settings
from twin.wires.mqtt.codec import encode
from twin.wires.mqtt.packets import Connect, Publish, Subscribe

USUAL_S, LIMIT_S = 25.0, 120.0
_PAYLOAD = bytes(980)
"""A VDA 5050 state is 980 bytes on average (measured with a public SDK)."""
_WINDOW = 400
_TIMEOUT_S = 30.0


@contextmanager
def brokers() -> Iterator[dict[str, int]]:
    """Both brokers as child processes: their ports."""
    if mosquitto.binary() is None:
        raise Skipped("mosquitto is missing: install mosquitto")
    with (
        serving([sys.executable, "-m", "benchmarks._mqtt_broker"]) as ours,
        mosquitto.running() as theirs,
    ):
        yield {"ours": ours, "mosquitto": theirs}


def _connected(port: int, name: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(encode(Connect(name)))
    assert _exactly(sock, 4)[3] == 0
    return sock


def _exactly(sock: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        data = sock.recv(min(1 << 20, count - len(found)))
        if not data:
            raise RuntimeError("the broker has closed the connection")
        found += data
    return bytes(found)


def messages_per_s(port: int, qos: int, subscribers: int, seconds: float) -> float:
    """Messages per second that reach each of `subscribers`, none lost."""
    listeners = [_connected(port, f"sub{number}") for number in range(subscribers)]
    for sock in listeners:
        sock.sendall(encode(Subscribe(1, (("bench", 0),))))
        _exactly(sock, 5)
    sender = _connected(port, "pub")
    chunk = b"".join(
        encode(Publish("bench", _PAYLOAD, qos, packet_id=number + 1 if qos else 0))
        for number in range(_WINDOW)
    )
    arriving = _WINDOW * len(encode(Publish("bench", _PAYLOAD)))
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        sender.sendall(chunk)
        for sock in listeners:
            _exactly(sock, arriving)
        if qos:
            _exactly(sender, 4 * _WINDOW)
        count += _WINDOW
    rate = count / (time.perf_counter() - began)
    for sock in (*listeners, sender):
        sock.close()
    return rate


def fleet(port: int, clients: int, seconds: float) -> tuple[float, float]:
    """p99 latency in ms and CPU share of this process in %; a lost message is an error."""
    stamp = struct.Struct("d")

    async def main(clock: Clock) -> tuple[float, float]:
        late_ms: list[float] = []

        def heard(_topic: str, payload: bytes, _qos: int, _retain: bool) -> None:
            late_ms.append((time.perf_counter() - stamp.unpack_from(payload)[0]) * 1000)

        def made(name: str) -> MqttClient:
            settings = Settings("127.0.0.1", port, name)
            rng = random.Random(name)
            return MqttClient(settings, loop=clock.loop, rng=rng, on_message=heard)

        hub = made("hub")
        hub.subscribe("fleet/+/state")
        everybody = [hub, *(made(f"igv-{number}") for number in range(clients))]
        for client in everybody:
            client.start()
        for client in everybody:
            await client.wait_connected(_TIMEOUT_S)
        await asyncio.sleep(0.5)

        async def drive(number: int, client: MqttClient) -> None:
            await asyncio.sleep(0.5 * number / clients)
            due = clock.loop.time()
            for _ in range(rounds):
                client.publish(f"fleet/{number}/state", stamp.pack(time.perf_counter()) + _PAYLOAD)
                due += 0.5
                await asyncio.sleep(max(0.0, due - clock.loop.time()))

        rounds = max(2, int(seconds * 2))
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(drive(number, one) for number, one in enumerate(everybody[1:])))
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        await asyncio.sleep(0.5)
        for client in everybody:
            await client.stop()
        if len(late_ms) != clients * rounds:
            raise RuntimeError(f"{clients * rounds - len(late_ms)} of {clients * rounds} lost")
        return sorted(late_ms)[int(0.99 * len(late_ms))], 100 * share

    return run_real(main)


def run(quick: bool) -> Iterator[Ratio]:
    """Throughput of the brokers, then latency and cost of a fleet."""
    seconds, clients = (0.3, 50) if quick else (3.0, 500)
    with brokers() as ports:
        for qos, subscribers in ((0, 1), (1, 1), (0, 20)):
            rates = {
                who: messages_per_s(port, qos, subscribers, seconds) for who, port in ports.items()
            }
            yield Ratio(
                name=f"mqtt, 1 kB at QoS {qos} to {subscribers}",
                ours=rates["ours"],
                reference=rates["mosquitto"],
                unit="messages/s",
                reference_name="mosquitto, same client",
                limit=5_000 if subscribers == 1 else None,
            )
        times = {who: fleet(port, clients, 1.0 if quick else 10.0) for who, port in ports.items()}
    yield Ratio(
        name=f"mqtt, {clients} paho clients x 2 Hz, p99",
        ours=times["ours"][0],
        reference=times["mosquitto"][0],
        unit="ms",
        reference_name="the same fleet through mosquitto",
        better="lower",
        limit=20.0,
    )
    yield Ratio(
        name=f"mqtt, {clients} paho clients x 2 Hz, their CPU",
        ours=times["mosquitto"][1],
        reference=times["ours"][1],
        unit="% of a core",
        reference_name="the same fleet through our broker",
        better="lower",
        limit=50.0,
    )
