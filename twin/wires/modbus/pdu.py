"""Requests to answers: the Modbus application layer of one device, without any transport.

Reads (functions 1 to 4) are compiled once per request and then answered from a small cache of
closures. Writes are decoded by pymodbus' PDU classes after our own checks: pymodbus 3.16 accepts
0x1234 as "on", 2000 coils in one write and a wrong byte count, and answers a request that it
cannot decode with function 0x80.

Checks run in the order of the state diagrams of the specification (section 6): function,
length and quantity (0x03), addresses (0x02), value. A read-only or missing address is 0x02.
Nothing is written unless everything can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct

from twin.profiles import Profile
from twin.wires.modbus import codec, standard
from twin.wires.modbus.standard import Fail
from twin.wires.modbus.table import Order, PointTable, Served

Plan = Callable[[], bytes]

_TWO = Struct(">HH").unpack_from
_PLANS_MAX = 4096
"""Compiled requests kept per device: a stack polls a handful; a fuzzer must not fill memory."""


def exception(function: int, code: int) -> bytes:
    """An exception PDU."""
    return bytes((function | 0x80, code))


class Application:
    """Answers request PDUs for one device under one profile."""

    def __init__(
        self, device: Served, profile: Profile, quirks: Mapping[str, bool] | None = None
    ) -> None:
        self._profile = profile
        self._quirks = quirks or {}
        self._table = PointTable(device, profile, quirks)
        self._plans: dict[bytes, Plan] = {}
        every: dict[int, Callable[[bytes, int], bytes]] = {
            standard.READ_COILS: self._read_bits,
            standard.READ_DISCRETE: self._read_bits,
            standard.READ_HOLDING: self._read_registers,
            standard.READ_INPUT: self._read_registers,
            standard.WRITE_COIL: self._write_coil,
            standard.WRITE_REGISTER: self._write_register,
            standard.WRITE_COILS: self._write_coils,
            standard.WRITE_REGISTERS: self._write_registers,
            standard.MASK_WRITE: self._mask_write,
            standard.READ_WRITE: self._read_write,
            standard.ENCAPSULATED: self._encapsulated,
        }
        self._handlers = {code: every[code] for code in profile.function_codes}
        self._objects = profile.identification.objects() if profile.identification else {}

    def answer(self, pdu: bytes, cause: int = -1) -> bytes:
        """The response PDU to a request PDU of 1 to 253 bytes; `cause` goes with every write."""
        plan = self._plans.get(pdu)
        if plan is not None:
            return plan()
        function = pdu[0]
        handler = self._handlers.get(function)
        if handler is None:
            return exception(function, Fail.FUNCTION)
        return handler(pdu, cause)

    def _keep(self, pdu: bytes, plan: Plan) -> bytes:
        if len(self._plans) >= _PLANS_MAX:
            self._plans.clear()
        self._plans[pdu] = plan
        return plan()

    def _read_bits(self, pdu: bytes, _cause: int) -> bytes:
        function = pdu[0]
        if len(pdu) != 5:
            return exception(function, Fail.VALUE)
        address, count = _TWO(pdu, 1)
        if not 1 <= count <= standard.READ_BITS_MAX:
            return exception(function, Fail.VALUE)
        table = self._table.bits["coil" if function == standard.READ_COILS else "discrete"]
        readers = table.readers(address, count) if address + count <= 0x10000 else None
        if readers is None:
            return exception(function, Fail.ADDRESS)
        size = (count + 7) // 8
        head = bytes((function, size))
        first = readers[0]
        if count == 1:
            return self._keep(pdu, lambda: head + (b"\x01" if first() else b"\x00"))
        parts = [(1 << index, reader) for index, reader in enumerate(readers)]

        def plan() -> bytes:
            word = 0
            for mask, bit in parts:
                if bit():
                    word |= mask
            return head + word.to_bytes(size, "little")

        return self._keep(pdu, plan)

    def _read_registers(self, pdu: bytes, _cause: int) -> bytes:
        function = pdu[0]
        if len(pdu) != 5:
            return exception(function, Fail.VALUE)
        address, count = _TWO(pdu, 1)
        plan = self._register_plan(function, address, count)
        if isinstance(plan, Fail):
            return exception(function, plan)
        return self._keep(pdu, plan)

    def _register_plan(self, function: int, address: int, count: int) -> Plan | Fail:
        if not 1 <= count <= standard.READ_REGISTERS_MAX:
            return Fail.VALUE
        name = "input" if function == standard.READ_INPUT else "holding"
        table = self._table.registers[name]
        readers = table.readers(address, count) if address + count <= 0x10000 else None
        if readers is None:
            return Fail.ADDRESS
        head = bytes((function, 2 * count))
        if len(readers) == 1:
            (read,) = readers
            return lambda: head + read()
        join = b"".join
        return lambda: head + join([read() for read in readers])

    def _write_coil(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) != 5:
            return exception(pdu[0], Fail.VALUE)
        address, raw = _TWO(pdu, 1)
        lawful = raw in (standard.COIL_ON, standard.COIL_OFF)
        if raw == standard.COIL_RELEASE and self._quirks.get("fc5-ffff-release", False):
            lawful = True
        if not lawful:
            return exception(pdu[0], Fail.VALUE)
        value = codec.coil(pdu) and raw != standard.COIL_RELEASE
        return self._carry_out(pdu, self._table.bits["coil"].orders(address, [value]), cause, pdu)

    def _write_register(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) != 5:
            return exception(pdu[0], Fail.VALUE)
        address, words = codec.register(pdu)
        orders = self._table.registers["holding"].orders(address, words)
        return self._carry_out(pdu, orders, cause, pdu)

    def _write_coils(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) < 6:
            return exception(pdu[0], Fail.VALUE)
        address, count = _TWO(pdu, 1)
        size = (count + 7) // 8
        if not 1 <= count <= standard.WRITE_BITS_MAX or pdu[5] != size or len(pdu) != 6 + size:
            return exception(pdu[0], Fail.VALUE)
        if address + count > 0x10000:
            return exception(pdu[0], Fail.ADDRESS)
        orders = self._table.bits["coil"].orders(address, codec.coils(pdu))
        return self._carry_out(pdu, orders, cause, pdu[:5])

    def _write_registers(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) < 6:
            return exception(pdu[0], Fail.VALUE)
        address, count = _TWO(pdu, 1)
        size = 2 * count
        most = standard.WRITE_REGISTERS_MAX
        if not 1 <= count <= most or pdu[5] != size or len(pdu) != 6 + size:
            return exception(pdu[0], Fail.VALUE)
        if address + count > 0x10000:
            return exception(pdu[0], Fail.ADDRESS)
        orders = self._table.registers["holding"].orders(address, codec.registers(pdu))
        return self._carry_out(pdu, orders, cause, pdu[:5])

    def _mask_write(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) != 7:
            return exception(pdu[0], Fail.VALUE)
        address, and_mask, or_mask = codec.masks(pdu)
        table = self._table.registers["holding"]
        readers = table.readers(address, 1)
        if readers is None:
            return exception(pdu[0], Fail.ADDRESS)
        old = int.from_bytes(readers[0]())
        new = (old & and_mask) | (or_mask & ~and_mask & 0xFFFF)
        return self._carry_out(pdu, table.orders(address, new.to_bytes(2)), cause, pdu)

    def _read_write(self, pdu: bytes, cause: int) -> bytes:
        if len(pdu) < 10:
            return exception(pdu[0], Fail.VALUE)
        (read_at, read_count), (write_at, write_count) = _TWO(pdu, 1), _TWO(pdu, 5)
        size = 2 * write_count
        if (
            not 1 <= read_count <= standard.READ_REGISTERS_MAX
            or not 1 <= write_count <= standard.READ_WRITE_WRITES_MAX
            or pdu[9] != size
            or len(pdu) != 10 + size
        ):
            return exception(pdu[0], Fail.VALUE)
        plan = self._register_plan(pdu[0], read_at, read_count)
        if isinstance(plan, Fail):
            return exception(pdu[0], plan)
        if write_at + write_count > 0x10000:
            return exception(pdu[0], Fail.ADDRESS)
        orders = self._table.registers["holding"].orders(write_at, codec.read_write(pdu))
        if isinstance(orders, Fail):
            return exception(pdu[0], orders)
        for order in orders:  # the write comes before the read (section 6.17)
            order(cause)
        return plan()

    def _encapsulated(self, pdu: bytes, _cause: int) -> bytes:
        if len(pdu) < 2:
            return exception(pdu[0], Fail.VALUE)
        if pdu[1] not in self._profile.mei_types:
            return exception(pdu[0], Fail.FUNCTION)
        if pdu[1] == standard.MEI_CANOPEN:
            # No maker publishes the object dictionary behind it: every object is unknown.
            return exception(pdu[0], Fail.ADDRESS)
        if len(pdu) != 4 or pdu[2] not in (1, 2, 3, 4):
            return exception(pdu[0], Fail.VALUE)
        answer = codec.identification(pdu, self._objects)
        return exception(pdu[0], Fail.ADDRESS) if answer is None else answer

    @staticmethod
    def _carry_out(pdu: bytes, orders: list[Order] | Fail, cause: int, reply: bytes) -> bytes:
        if isinstance(orders, Fail):
            return exception(pdu[0], orders)
        for order in orders:
            order(cause)
        return reply
