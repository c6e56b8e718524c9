"""Connect, subscribe, publish, kill, expire, take over, in any order, against a plain model."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.mqtt.bench import Place, Raw
from twin.clock import Session as LoopSession
from twin.trace import Trace
from twin.wires.mqtt import Limits, MqttServer
from twin.wires.mqtt.packets import Will

NAMES = ("a", "b", "c")
FILTERS = ("t/1", "t/+", "#", "w/+", "t/#")
TOPICS = ("t/1", "t/2", "w/x")
KEEP_ALIVE_S = 10
QUEUE = 3

Seen = tuple[str, bytes, int, bool]


def covers(filter_: str, topic: str) -> bool:
    """The five filters of this test, written out by hand."""
    head = topic.split("/")[0]
    return {
        "t/1": topic == "t/1", "t/+": head == "t", "t/#": head == "t", "w/+": head == "w",
        "#": True,
    }[filter_]  # fmt: skip


@dataclass
class Known:
    """What the model knows of one client identifier."""

    clean: bool = True
    filters: dict[str, int] = field(default_factory=dict)
    queue: list[Seen] = field(default_factory=list)
    will: Will | None = None
    raw: Raw | None = None
    expected: list[Seen] = field(default_factory=list)
    dropped: int = 0


class BrokerMachine(RuleBasedStateMachine):
    """One broker, three clients, virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.session = LoopSession.virtual(seed=3)
        self.session.__enter__()
        self.clients: dict[str, Known] = {}
        self.retained: dict[str, tuple[bytes, int]] = {}
        self.count = 0
        self.run(self._open())

    def run(self, what: Any) -> Any:
        return self.session.run(what)

    async def _open(self) -> None:
        clock = self.session.clock
        self.server = MqttServer(
            clock=clock, trace=Trace(clock), rng=random.Random(0), limits=Limits(queued_max=QUEUE)
        )
        port = await self.server.start()
        self.place = Place(clock, "127.0.0.1", port, 1.0, self.server)

    # --- the model ----------------------------------------------------------------------------

    def told(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """A message reaches the broker."""
        if retain:
            self.retained.pop(topic, None)
            if payload:
                self.retained[topic] = (payload, qos)
        for known in self.clients.values():
            granted = [q for f, q in known.filters.items() if covers(f, topic)]
            if not granted:
                continue
            message = (topic, payload, min(qos, max(granted)), False)
            if known.raw is not None:
                known.expected.append(message)
            elif message[2]:
                if len(known.queue) < QUEUE:
                    known.queue.append(message)
                else:
                    known.dropped += 1

    def gone(self, name: str, *, with_will: bool) -> None:
        """A connection has ended."""
        known = self.clients[name]
        known.raw, will, known.will = None, known.will, None
        known.expected.clear()
        if known.clean:
            del self.clients[name]
        if with_will and will is not None:
            self.told(will.topic, will.payload, will.qos, will.retain)

    def online(self) -> list[str]:
        return [name for name, known in self.clients.items() if known.raw is not None]

    # --- what happens -------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(NAMES), clean=st.booleans(), has_will=st.booleans(),
        qos=st.integers(0, 2), retain=st.booleans(),
    )  # fmt: skip
    def connect(self, name: str, clean: bool, has_will: bool, qos: int, retain: bool) -> None:
        """Also where it is connected already: then it takes over."""
        self.count += 1
        will = Will("w/x", b"will %d" % self.count, qos, retain) if has_will else None
        before = self.clients.get(name)
        old = before.raw if before is not None else None

        async def do() -> Raw:
            made = await self.place.client(name, clean=clean, keep_alive_s=KEEP_ALIVE_S, will=will)
            if old is not None:
                while await old.next(5) is not None:
                    pass  # what came before it was taken over
            return made

        raw = self.run(do())
        if old is not None:
            self.gone(name, with_will=True)
        known = self.clients.get(name)
        present = known is not None and not clean
        assert raw.connack.session_present == present
        if known is None or not present:
            known = self.clients[name] = Known(clean)
        known.raw, known.will = raw, will
        known.expected, known.queue = known.queue, []

    @precondition(lambda self: self.online())
    @rule(data=st.data(), filter_=st.sampled_from(FILTERS), qos=st.integers(0, 2))
    def subscribe(self, data: st.DataObject, filter_: str, qos: int) -> None:
        known = self.clients[data.draw(st.sampled_from(self.online()))]
        assert self.run(known.raw.subscribe(filter_, qos)) == (qos,)
        known.filters[filter_] = qos
        known.expected += [
            (topic, payload, min(held, qos), True)
            for topic, (payload, held) in self.retained.items()
            if covers(filter_, topic)
        ]

    @precondition(lambda self: self.online())
    @rule(data=st.data(), filter_=st.sampled_from(FILTERS))
    def unsubscribe(self, data: st.DataObject, filter_: str) -> None:
        known = self.clients[data.draw(st.sampled_from(self.online()))]
        self.run(known.raw.unsubscribe(filter_))
        known.filters.pop(filter_, None)

    @rule(
        topic=st.sampled_from(TOPICS), qos=st.integers(0, 2), retain=st.booleans(),
        empty=st.booleans(),
    )  # fmt: skip
    def publish(self, topic: str, qos: int, retain: bool, empty: bool) -> None:
        """By somebody who does not listen."""
        self.count += 1
        payload = b"" if empty else b"%d" % self.count

        async def do() -> None:
            sender = await self.place.client("")
            await sender.publish(topic, payload, qos, retain=retain)
            await sender.leave()

        self.run(do())
        self.told(topic, payload, qos, retain)

    @precondition(lambda self: self.online())
    @rule(data=st.data(), polite=st.booleans())
    def leave(self, data: st.DataObject, polite: bool) -> None:
        name = data.draw(st.sampled_from(self.online()))
        raw = self.clients[name].raw

        async def do() -> None:
            if polite:
                await raw.leave()
            else:
                raw.cut()
                await self.place.clock.sleep(0.001)

        self.run(do())
        self.gone(name, with_will=not polite)

    @precondition(lambda self: self.online())
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """One falls silent for 1.5 keep alives; the others ping."""
        name = data.draw(st.sampled_from(self.online()))
        others: list[Any] = [self.clients[one].raw for one in self.online() if one != name]
        raw: Any = self.clients[name].raw

        async def do() -> None:
            await raw.alive()
            for _ in range(3):
                for other in others:
                    await other.alive()
                assert name in self.server.broker.clients
                await self.place.clock.sleep(KEEP_ALIVE_S / 2)
            for other in others:
                await other.alive()
            assert await raw.closed(0.001)

        self.run(do())
        self.gone(name, with_will=True)

    @invariant()
    def everybody_has_got_what_the_model_says(self) -> None:
        """In order, with QoS and RETAIN; retained ones of one subscription in any order."""

        async def read(raw: Raw) -> list[Seen]:
            found = []
            while True:
                try:
                    packet = await raw.message(0.0005)
                except TimeoutError:
                    return found
                found.append((packet.topic, packet.payload, packet.qos, packet.retain))

        for name in self.online():
            known = self.clients[name]
            assert sorted(self.run(read(known.raw))) == sorted(known.expected), name
            known.expected.clear()
        broker = self.server.broker
        assert {topic: (m.payload, m.qos) for topic, m in broker.retained.items()} == self.retained
        assert set(broker.sessions) == set(self.clients)
        for name, known in self.clients.items():
            assert broker.sessions[name].filters == known.filters
            assert broker.sessions[name].dropped == known.dropped
            assert known.raw is not None or broker.sessions[name].queued == len(known.queue)

    def teardown(self) -> None:
        async def close() -> None:
            await self.server.stop()
            for raw in self.place.raws:
                await raw.close()

        self.run(close())
        self.session.__exit__(None, None, None)


TestBroker = BrokerMachine.TestCase
TestBroker.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
