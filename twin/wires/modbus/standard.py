"""Numbers of the Modbus standard.

Sources: MODBUS Application Protocol Specification V1.1b3 (the function codes and their limits,
section 6; exception codes, section 7) and MODBUS Messaging on TCP/IP Implementation Guide V1.0b
(the MBAP header, section 3.1.3).
"""

from __future__ import annotations

from enum import IntEnum


class Fail(IntEnum):
    """Exception codes that this server gives."""

    FUNCTION = 0x01
    ADDRESS = 0x02
    VALUE = 0x03
    DEVICE = 0x04
    BUSY = 0x06
    GATEWAY_TARGET = 0x0B


READ_COILS = 1
READ_DISCRETE = 2
READ_HOLDING = 3
READ_INPUT = 4
WRITE_COIL = 5
WRITE_REGISTER = 6
WRITE_COILS = 15
WRITE_REGISTERS = 16
MASK_WRITE = 22
READ_WRITE = 23
ENCAPSULATED = 43
MEI_CANOPEN = 13
MEI_IDENTIFICATION = 14

READ_BITS_MAX = 2000
READ_REGISTERS_MAX = 125
WRITE_BITS_MAX = 1968
WRITE_REGISTERS_MAX = 123
READ_WRITE_WRITES_MAX = 121

COIL_ON = 0xFF00
COIL_OFF = 0x0000
COIL_RELEASE = 0xFFFF
"""Not of the standard: Advantech's "release the force" (quirk `fc5-ffff-release`)."""

PDU_MAX = 253
HEADER = 7
"""Bytes of the MBAP header: transaction, protocol, length (two each), unit."""
LENGTH_MIN = 2
LENGTH_MAX = PDU_MAX + 1
"""Lawful values of the length field: unit id and a PDU of 1 to 253 bytes."""
ADU_MAX = HEADER + PDU_MAX
