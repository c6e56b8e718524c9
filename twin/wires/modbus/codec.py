"""The only module that knows pymodbus: PDUs to values and back.

pymodbus changes its API in minor releases and its server is not faithful to the wire; its PDU
classes are. They are given only requests that have passed our checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack

from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

_STREAMS = {1: range(3), 2: range(0x80), 3: range(0x100)}
"""Object ids of the basic, regular and extended streams (V1.1b3, section 6.21)."""


def coil(pdu: bytes) -> bool:
    """The value of a Write Single Coil request (function 5)."""
    request = WriteSingleCoilRequest()
    request.decode(pdu[1:])
    return bool(request.bits[0])


def register(pdu: bytes) -> tuple[int, bytes]:
    """Address and raw word of a Write Single Register request (function 6)."""
    request = WriteSingleRegisterRequest()
    request.decode(pdu[1:])
    return request.address, pack(">H", request.registers[0])


def coils(pdu: bytes) -> list[bool]:
    """The values of a Write Multiple Coils request (function 15)."""
    request = WriteMultipleCoilsRequest()
    request.decode(pdu[1:])
    return [bool(bit) for bit in request.bits]


def registers(pdu: bytes) -> bytes:
    """The raw words of a Write Multiple Registers request (function 16)."""
    request = WriteMultipleRegistersRequest()
    request.decode(pdu[1:])
    return pack(f">{len(request.registers)}H", *request.registers)


def masks(pdu: bytes) -> tuple[int, int, int]:
    """Address, AND mask and OR mask of a Mask Write Register request (function 22)."""
    request = MaskWriteRegisterRequest()
    request.decode(pdu[1:])
    return request.address, request.and_mask, request.or_mask


def read_write(pdu: bytes) -> bytes:
    """The raw words to write of a Read/Write Multiple Registers request (function 23)."""
    request = ReadWriteMultipleRegistersRequest()
    request.decode(pdu[1:])
    return pack(f">{len(request.write_registers)}H", *request.write_registers)


def identification(pdu: bytes, objects: Mapping[int, bytes]) -> bytes | None:
    """The answer to Read Device Identification (43/14); None: no such object.

    A stream that starts at an unknown object starts over at the first one, as the specification
    asks; an unknown single object is an error.
    """
    request = ReadDeviceInformationRequest()
    request.decode(pdu[1:])
    if request.read_code == 4:
        if request.object_id not in objects:
            return None
        chosen = {request.object_id: objects[request.object_id]}
    else:
        stream = {
            number: objects[number] for number in _STREAMS[request.read_code] if number in objects
        }
        start = request.object_id if request.object_id in stream else 0
        chosen = {number: value for number, value in stream.items() if number >= start}
    response = ReadDeviceInformationResponse(read_code=request.read_code, information=chosen)
    response.conformity = 0x81 if max(objects) < 3 else 0x82  # streams and single objects
    return pdu[:1] + response.encode()
