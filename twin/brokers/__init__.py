"""MQTT brokers on the wall clock: a container, a process, our own, or one that is there already.

`ladder.py` chooses and starts one, `mosquitto.py` makes its configuration and runs it as a child
process, `certificates.py` makes an authority and certificates for TLS.
"""

from twin.brokers.certificates import Authority, Identity
from twin.brokers.ladder import IMAGE, Broker, Choice, choose, start
from twin.brokers.mosquitto import Variant

__all__ = ["IMAGE", "Authority", "Broker", "Choice", "Identity", "Variant", "choose", "start"]
