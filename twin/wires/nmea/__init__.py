"""NMEA 0183 of a GNSS receiver over TCP."""

from __future__ import annotations

from twin.wires.nmea.server import NmeaServer

__all__ = ["NmeaServer"]
