"""Tests of the GNSS receiver, its NMEA wire and the local plane."""
