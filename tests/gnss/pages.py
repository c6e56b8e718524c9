"""Fill the generated tables of docs/devices/gnss.md: `python -m tests.gnss.pages`."""

from __future__ import annotations

from tests.devices.pages import table
from tests.pages import Page, fault_table, quirk_table
from twin.devices.gnss import GnssReceiver
from twin.profiles.nmea import load
from twin.wires.nmea import NmeaServer

PAGE = Page(
    "devices/gnss.md",
    {
        "faults": lambda: fault_table(GnssReceiver.FAULTS),
        "wire-faults": lambda: fault_table(NmeaServer.FAULTS),
        "quirks": lambda: quirk_table(load().quirks),
        "profile": lambda: table(
            ("what", "value"),
            (
                ("sentences", ", ".join(load().sentences)),
                ("rate", f"{load().rate_hz:g} Hz"),
                ("talker", load().talker),
                ("decimals of a minute", load().decimals),
                ("connections", load().max_connections),
            ),
        ),
    },
)

if __name__ == "__main__":
    PAGE.write()
