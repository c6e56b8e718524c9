"""Modbus TCP: profiles, framing, PDUs, clients that we did not write, three oracles."""
