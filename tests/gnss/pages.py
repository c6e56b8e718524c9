"""Fill the generated tables of docs/devices/gnss.md: `python -m tests.gnss.pages`."""

from __future__ import annotations

from tests.devices.pages import table
from tests.pages import Page, fault_table, quirk_table
from twin.devices.gnss import GnssReceiver
from twin.profiles.nmea import NmeaProfile, load, names
from twin.wires.nmea import NmeaServer


def _version(profile: NmeaProfile) -> str:
    old = any(quirk.on for quirk in profile.quirks if quirk.id == "mode-mismatch")
    return "2.3" if old else "4.11"


PAGE = Page(
    "devices/gnss.md",
    {
        "faults": lambda: fault_table(GnssReceiver.FAULTS),
        "wire-faults": lambda: fault_table(NmeaServer.FAULTS),
        "quirks": lambda: quirk_table(load().quirks),
        "profile": lambda: table(
            ("what", *(f"`{name}`" for name in names())),
            (
                (what, *(show(load(name)) for name in names()))
                for what, show in (
                    ("sentences", lambda p: ", ".join(p.sentences)),
                    ("rate", lambda p: f"{p.rate_hz:g} Hz"),
                    ("talker", lambda p: p.talker),
                    ("decimals of a minute", lambda p: p.decimals),
                    ("decimals of a height", lambda p: p.height_decimals),
                    ("mode letters", lambda p: _version(p)),
                    ("connections", lambda p: p.max_connections),
                )
            ),
        ),
    },
)

if __name__ == "__main__":
    PAGE.write()
