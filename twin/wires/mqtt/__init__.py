"""MQTT 3.1.1: a broker for the virtual tier, and paho clients on the run's own loop.

`codec` turns bytes into packets, `broker` and `session` hold the rules, `server` and `connection`
bring both to TCP and to the clock, `client` runs paho-mqtt without its threads.
"""

from __future__ import annotations

from twin.wires.mqtt.access import Access, Rule, acl_text, parse_acl
from twin.wires.mqtt.client import Backoff, MqttClient, Settings, Will
from twin.wires.mqtt.server import MqttServer
from twin.wires.mqtt.session import Limits

__all__ = [
    "Access",
    "Backoff",
    "Limits",
    "MqttClient",
    "MqttServer",
    "Rule",
    "Settings",
    "Will",
    "acl_text",
    "parse_acl",
]
