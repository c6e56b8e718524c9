"""libmodbus through ctypes: an independent client, and a server as second oracle."""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from tests import needs

_ADU_MAX = 260
REASON = "libmodbus is missing: install libmodbus5"


@cache
def _library() -> Any:
    name = ctypes.util.find_library("modbus")
    if name is None:
        return None
    lib = ctypes.CDLL(name, use_errno=True)
    lib.modbus_new_tcp.restype = ctypes.c_void_p
    lib.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
    lib.modbus_strerror.restype = ctypes.c_char_p
    return lib


def need() -> Any:
    """The library, or a skip with its reason (a failure in CI)."""
    library = _library()
    needs.system(library, REASON)
    return library


class Mapping(ctypes.Structure):
    """`modbus_mapping_t`: the memory of libmodbus' server."""

    _fields_ = [
        *((name, ctypes.c_int) for name in (
            "nb_bits", "start_bits", "nb_input_bits", "start_input_bits", "nb_input_registers",
            "start_input_registers", "nb_registers", "start_registers",
        )),
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16)),
    ]  # fmt: skip


class LibmodbusError(Exception):
    """A request failed; the text is libmodbus' own."""


class Client:
    """Blocking client; run its calls in a thread when the server shares the process."""

    def __init__(self, port: int, unit: int = 1) -> None:
        self._lib = need()
        self._context = ctypes.c_void_p(self._lib.modbus_new_tcp(b"127.0.0.1", port))
        self._lib.modbus_set_slave(self._context, unit)
        self._lib.modbus_set_response_timeout(self._context, 2, 0)
        self._check(self._lib.modbus_connect(self._context))

    def _check(self, result: int) -> int:
        if result == -1:
            raise LibmodbusError(self._lib.modbus_strerror(ctypes.get_errno()).decode())
        return result

    def read_bits(self, function: int, address: int, count: int) -> list[int]:
        into = (ctypes.c_uint8 * 2000)()
        call = self._lib.modbus_read_bits if function == 1 else self._lib.modbus_read_input_bits
        self._check(call(self._context, address, count, into))
        return list(into[:count])

    def read_registers(self, function: int, address: int, count: int) -> list[int]:
        into = (ctypes.c_uint16 * 125)()
        lib = self._lib
        call = lib.modbus_read_registers if function == 3 else lib.modbus_read_input_registers
        self._check(call(self._context, address, count, into))
        return list(into[:count])

    def write_bit(self, address: int, value: bool) -> None:
        self._check(self._lib.modbus_write_bit(self._context, address, int(value)))

    def write_register(self, address: int, value: int) -> None:
        self._check(self._lib.modbus_write_register(self._context, address, value))

    def write_bits(self, address: int, values: list[int]) -> None:
        data = (ctypes.c_uint8 * len(values))(*values)
        self._check(self._lib.modbus_write_bits(self._context, address, len(values), data))

    def write_registers(self, address: int, values: list[int]) -> None:
        data = (ctypes.c_uint16 * len(values))(*values)
        self._check(self._lib.modbus_write_registers(self._context, address, len(values), data))

    def mask_write(self, address: int, and_mask: int, or_mask: int) -> None:
        lib = self._lib
        self._check(lib.modbus_mask_write_register(self._context, address, and_mask, or_mask))

    def write_and_read(self, at: int, values: list[int], read_at: int, count: int) -> list[int]:
        data, into = (ctypes.c_uint16 * len(values))(*values), (ctypes.c_uint16 * 125)()
        call = self._lib.modbus_write_and_read_registers
        self._check(call(self._context, at, len(values), data, read_at, count, into))
        return list(into[:count])

    def close(self) -> None:
        self._lib.modbus_close(self._context)
        self._lib.modbus_free(self._context)


class Oracle:
    """libmodbus' server on one socket: raw frame in, raw frame out."""

    def __init__(self, lib: Any, mapping: Any, sock: socket.socket) -> None:
        self.memory = mapping.contents
        self._lib, self._mapping, self._sock = lib, mapping, sock

    def ask(self, frame: bytes) -> bytes:
        """What libmodbus answers to one whole frame."""
        self._sock.sendall(frame)
        head = self._receive(6)
        return head + self._receive(int.from_bytes(head[4:6]))

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._sock.recv(size - len(data))
            if not part:
                raise ConnectionError("libmodbus closed the connection")
            data += part
        return data


@contextmanager
def oracle(bits: int, input_bits: int, registers: int, input_registers: int) -> Iterator[Oracle]:
    """A libmodbus server with that much memory, in a thread, for as long as the block lasts."""
    lib = need()
    mapping = lib.modbus_mapping_new(bits, input_bits, registers, input_registers)
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    context = ctypes.c_void_p(lib.modbus_new_tcp(b"127.0.0.1", 0))
    lib.modbus_set_socket(context, theirs.fileno())
    # After some exceptions libmodbus sleeps for its response timeout; one microsecond will do.
    lib.modbus_set_response_timeout(context, 0, 1)

    def serve() -> None:
        query = (ctypes.c_uint8 * _ADU_MAX)()
        while (size := lib.modbus_receive(context, query)) != -1:
            if size > 0:
                lib.modbus_reply(context, query, size, mapping)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Oracle(lib, mapping, ours)
    finally:
        ours.close()
        thread.join(timeout=5)
        theirs.close()
        lib.modbus_free(context)
        lib.modbus_mapping_free(mapping)
