"""What is declared of a reefer rack (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from hil.papers import ModbusPics, ModbusPixit, Seconds

Celsius = Annotated[float, msgspec.Meta(ge=-60, le=60)]


class ReeferPics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rack with its controller is declared to do."""

    sockets: Annotated[int, msgspec.Meta(ge=2, le=64)]
    plug_orders: bool
    """A write sends a hand to a plug."""
    setpoint_orders: bool
    """Set points can be changed."""
    alarms: bool
    """It counts the time too warm and raises alarms."""
    messages: bool
    """Its monitoring system tells of every box in the words of TIC 4.0 over MQTT."""
    power_controllable: bool


class ReeferPixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this rack is to be tested. Temperatures are those of the test units."""

    show_s: Seconds
    """From what happens at a socket to the value on the wire."""
    plug_s: Seconds = 600.0
    """From an order to the plug in or out."""
    setpoint_s: Seconds
    """From a set point on the wire to that of the unit."""
    accuracy_k: Annotated[float, msgspec.Meta(gt=0, le=5)]
    """Of a temperature on the wire against what the unit measures, with the last digit."""
    deviation_k: Annotated[float, msgspec.Meta(gt=0, le=20)]
    """Return air that is further above the set point is too warm."""
    alarm_s: Annotated[float, msgspec.Meta(ge=60, le=14_400)]
    """Time too warm in all after which the alarm comes."""
    setpoint_c_min: Celsius
    setpoint_c_max: Celsius
    every_s: Annotated[float, msgspec.Meta(gt=0, le=7200)] = 900.0
    """Between two messages of one box at the latest."""
    event_s: Seconds = 5.0
    """From an event at a socket to its message."""
    prefix: str = "terminal"
    """Of the topics."""
