"""What a broker does, as a table: the same rows are run against ours and against mosquitto.

Each row is a coroutine; its docstring states the property, its mark names the clauses.
"""

from __future__ import annotations

from tests.mqtt import behaviour_messages, behaviour_sessions
from tests.mqtt.behaviour_wrong import WRONG, WRONG_CONNECT, closes, refuses

__all__ = ["DIFFERENT", "ROWS", "WRONG", "WRONG_CONNECT", "closes", "refuses"]

ROWS = behaviour_sessions.ROWS | behaviour_messages.ROWS

DIFFERENT = {
    "overlapping_filters_count_with_the_highest_qos": "mosquitto 2.0 sends one copy at the QoS of "
    "the filter that it finds first; [MQTT-3.3.5-1] wants the highest",
    "PUBLISH, DUP at QoS 0": "mosquitto 2.0 ignores the bit; it is the sender's duty "
    "[MQTT-3.3.1-2], and whoever breaks it may be closed [MQTT-4.8.0-1]",
    "PUBACK with flags": "mosquitto 2.0 does not look at them; [MQTT-2.2.2-2] wants the end",
    "PINGREQ with flags": "mosquitto 2.0 does not look at them; [MQTT-2.2.2-2] wants the end",
    "SUBACK from a client": "mosquitto 2.0 takes it, its bridges are clients; a client may not "
    "send it [MQTT-4.8.0-1]",
}
"""Rows that mosquitto does not pass: what it does instead, and why both are lawful."""
