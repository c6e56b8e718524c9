"""vda5050-sdk, a fleet control that we did not write, drives our vehicle through our broker.

It reads every message with its own models and holds it against the schemas that it brings.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from vda5050 import Action, ActionParameter, BlockingType, ConnectionState, Edge, Node
from vda5050.client.master import MasterClient
from vda5050.config import MasterConfig
from vda5050.domain.order.builder import OrderBuilder
from vda5050.identity import VehicleKey
from vda5050.model.common import NodePosition

from fixtures.vda5050_orders import MANUFACTURER
from tests.needs import system
from tests.vda5050.rig import Box, Rig, play
from twin.brokers import mosquitto
from twin.clock import Clock, run_real
from twin.wires.mqtt import MqttClient, Settings

KEY = VehicleKey(MANUFACTURER, "igv-01")
Handler = Callable[[str, bytes], Awaitable[None]]


class RunClock:
    """The sdk's clock on ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> dt.datetime:
        return self._clock.day_start + dt.timedelta(seconds=self._clock.now_s())

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class PahoTransport:
    """The sdk's transport on our paho client; what it does not know is a broker of its own."""

    def __init__(self, clock: Clock, port: int) -> None:
        self._clock = clock
        self._handlers: list[tuple[str, Handler]] = []
        self._tasks: set[Any] = set()
        self.client = MqttClient(
            Settings("127.0.0.1", port, "sdk", keep_alive_s=60),
            loop=clock.loop,
            rng=random.Random("sdk"),
            on_message=self._message,
        )

    def _message(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        for filter_, handler in self._handlers:
            if filter_.split("/")[-1] == topic.split("/")[-1]:
                task = self._clock.loop.create_task(handler(topic, payload))  # type: ignore[arg-type]
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def connect(self, *, will: object = None) -> None:
        self.client.start()
        await self.client.wait_connected()

    async def disconnect(self) -> None:
        await self.client.stop()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None:
        self.client.publish(topic, payload, qos, retain)

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 0) -> None:
        self._handlers.append((topic, handler))
        self.client.subscribe(topic, qos)


class Control:
    """A master of the sdk with everything that it complains about."""

    def __init__(self, clock: Clock, port: int) -> None:
        self.errors: list[Any] = []
        self.master = MasterClient(
            MasterConfig(validate_messages=True, visualization=True, progress_monitor=False),
            transport=PahoTransport(clock, port),
            clock=RunClock(clock),
        )
        self.words: list[Any] = []
        self.master.on_error(self.errors.append)
        self.master.on_connection(lambda word, _: self.words.append(word))

    async def until(self, true: Callable[[Any], bool], limit_s: float = 400.0) -> Any:
        def holds(session: Any) -> bool:
            return session.state is not None and true(session.state)

        assert await self.master.wait_for(KEY, holds, timeout=limit_s, poll=0.2)
        return (await self.master.session(KEY)).state

    async def done(self, order_id: str) -> Any:
        return await self.until(
            lambda s: (
                s.order_id == order_id
                and not s.node_states
                and not s.driving
                and all(a.action_status.value in ("FINISHED", "FAILED") for a in s.action_states)
            )
        )


def act(kind: str, name: str, **parameters: str) -> Action:
    values = [ActionParameter(key=key, value=value) for key, value in parameters.items()]
    return Action(
        action_type=kind,
        action_id=name,
        blocking_type=BlockingType.HARD,
        action_parameters=values,
    )


def builder(order_id: str) -> OrderBuilder:
    return OrderBuilder(order_id=order_id, manufacturer=KEY.manufacturer, serial_number="igv-01")


def at(name: str, x: float, **more: Any) -> dict[str, Any]:
    place = {"x": x, "y": 0.0, "map_id": "bridge", "allowed_deviation_xy": 0.5}
    return {"node_id": name, **place, **more}


async def haul(rig: Rig, control: Control) -> None:
    """Pick, an update on the way, drop, a cancelled order, a new one: all by the sdk."""
    master = control.master
    rig.place("A", 0.0, Box("MSCU1234566", 20_000.0, length_ft=20))
    stack = rig.place("C", 120.0)
    state = await control.until(lambda s: True)
    assert state.operating_mode.value == "AUTOMATIC"
    order = (
        builder("haul")
        .add_node(**at("A", 0.0, actions=[act("pick", "p", loadId="MSCU1234566")]))
        .add_node(**at("B", 60.0))
        .add_edge("A", "B", max_speed=5.0)
        .build()
    )
    assert (await master.dispatch(order, KEY)).accepted
    await control.until(lambda s: bool(s.loads))
    place = NodePosition(x=120.0, y=0.0, map_id="bridge")
    target = Node(
        node_id="C", sequence_id=0, released=True, node_position=place, actions=[act("drop", "d")]
    )
    edge = Edge(edge_id="B-C", sequence_id=0, released=True, start_node_id="B", end_node_id="C")
    assert (await master.extend_base(KEY, [target], [edge])).accepted
    state = await control.done("haul")
    statuses = {a.action_id: a.action_status.value for a in state.action_states}
    assert (statuses["p"], statuses["d"], state.last_node_id) == ("FINISHED", "FINISHED", "C")
    assert [box.number for box in stack.boxes] == ["MSCU1234566"]
    back = (
        builder("back")
        .add_node(**at("C", 120.0))
        .add_node(**at("A", 0.0, actions=[act("pick", "never")]))
        .add_edge("C", "A")
        .build()
    )
    assert (await master.dispatch(back, KEY)).accepted
    await control.until(lambda s: s.driving)
    await master.pause(KEY)
    await control.until(lambda s: s.paused and not s.driving)
    await master.resume(KEY)
    await control.until(lambda s: s.driving)
    await master.cancel_order(KEY)
    state = await control.done("back")
    assert {a.action_id: a.action_status.value for a in state.action_states}["never"] == "FAILED"
    x = rig.carrier.pose.x_m
    assert 0.0 < x < 120.0
    home = (
        builder("home")
        .add_node(**at("here", x, allowed_deviation_xy=1.0))
        .add_node(**at("A", 0.0))
        .add_edge("here", "A")
        .build()
    )
    assert (await master.dispatch(home, KEY)).accepted
    state = await control.done("home")
    assert (state.last_node_id, state.errors) == ("A", [])
    assert [one.connection_state for one in control.words] == [ConnectionState.ONLINE]
    assert control.errors == [], "every message was right for the sdk's models and schemas"


def test_the_sdk_drives_our_vehicle() -> None:
    """Pick, drop, update, pause, cancel and a new order, in virtual time."""

    async def story(rig: Rig) -> None:
        control = Control(rig.clock, rig.port)
        await control.master.connect()
        await haul(rig, control)
        await control.master.disconnect()

    rig = play(story, "2.1")
    assert "instant-id-reused" not in [one.id for one in rig.vehicle.logic.findings]


@pytest.mark.slow
@pytest.mark.system
def test_the_sdk_drives_our_vehicle_through_mosquitto() -> None:
    """The same story on a real broker, thirty times as fast as life."""
    system(mosquitto.binary() is not None, "mosquitto is not installed")

    async def whole(clock: Clock) -> None:
        rig = Rig(clock, "2.1")
        with mosquitto.running() as port:
            rig.port = port
            await rig.vehicle.connect("127.0.0.1", port).wait_connected(60.0)
            control = Control(clock, port)
            await control.master.connect()
            await haul(rig, control)
            await control.master.disconnect()
            await rig.vehicle.stop()

    run_real(whole, speed=30.0)
