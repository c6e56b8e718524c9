"""The third oracle: what the Modbus standard says a server answers, written apart from the server.

It works on plain memory (one dict per table) and reads like the state diagrams of MODBUS
Application Protocol V1.1b3, section 6. It shares no code with `twin.wires.modbus`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Model:
    """Memory of a device and the answers that the standard asks of it."""

    coils: dict[int, int] = field(default_factory=dict)
    discrete: dict[int, int] = field(default_factory=dict)
    holding: dict[int, int] = field(default_factory=dict)
    input: dict[int, int] = field(default_factory=dict)
    read_only: set[tuple[str, int]] = field(default_factory=set)
    whole: list[tuple[int, int]] = field(default_factory=list)
    """(address, registers) of holding values that may only be written whole."""
    function_codes: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43)
    units: tuple[int, ...] = (1,)
    objects: dict[int, bytes] = field(default_factory=dict)

    def stream(self, data: bytes) -> tuple[list[bytes], bytes, bool]:
        """Answers to a byte stream, the bytes left over, and whether the server then closes."""
        answers = []
        while len(data) >= 6:
            protocol = data[2] << 8 | data[3]
            length = data[4] << 8 | data[5]
            if length < 2 or length > 254:
                return answers, b"", True
            if len(data) < 6 + length:
                break
            frame, data = data[: 6 + length], data[6 + length :]
            unit, pdu = frame[6], frame[7:]
            if protocol != 0:
                continue
            body = self.pdu(pdu) if unit in self.units else bytes([pdu[0] | 0x80, 0x0B])
            size = len(body) + 1
            answers.append(frame[:2] + bytes([0, 0, size >> 8, size & 0xFF, unit]) + body)
        return answers, data, False

    def pdu(self, pdu: bytes) -> bytes:
        """The answer to one request."""
        fc = pdu[0]
        if fc not in self.function_codes:
            return bytes([fc | 0x80, 1])
        result = {
            1: self._bits,
            2: self._bits,
            3: self._registers,
            4: self._registers,
            5: self._coil,
            6: self._register,
            15: self._coils,
            16: self._many,
            22: self._mask,
            23: self._both,
            43: self._identify,
        }[fc](fc, list(pdu[1:]))
        return bytes([fc | 0x80, result]) if isinstance(result, int) else bytes([fc, *result])

    @staticmethod
    def _pair(d: list[int], at: int) -> int:
        return d[at] * 256 + d[at + 1]

    def _bits(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) != 4 or not 1 <= self._pair(d, 2) <= 0x7D0:
            return 3
        memory = self.coils if fc == 1 else self.discrete
        start, count = self._pair(d, 0), self._pair(d, 2)
        if any(a not in memory for a in range(start, start + count)):
            return 2
        out = [0] * ((count + 7) // 8)
        for i in range(count):
            out[i // 8] += memory[start + i] << (i % 8)
        return [len(out), *out]

    def _registers(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) != 4 or not 1 <= self._pair(d, 2) <= 0x7D:
            return 3
        return self._words(
            self.holding if fc == 3 else self.input, self._pair(d, 0), self._pair(d, 2)
        )

    @staticmethod
    def _words(memory: dict[int, int], start: int, count: int) -> list[int] | int:
        out = [count * 2]
        for a in range(start, start + count):
            if a not in memory:
                return 2
            out += [memory[a] >> 8, memory[a] & 255]
        return out

    def _coil(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) != 4 or (d[2], d[3]) not in ((0, 0), (255, 0)):
            return 3
        a = self._pair(d, 0)
        if a not in self.coils or ("coil", a) in self.read_only:
            return 2
        self.coils[a] = d[2] // 255
        return d

    def _holding_write(self, start: int, values: list[int]) -> int:
        touched = range(start, start + len(values))
        for a in touched:
            if a not in self.holding or ("holding", a) in self.read_only:
                return 2
        for first, size in self.whole:
            inside = [a in touched for a in range(first, first + size)]
            if any(inside) and not all(inside):
                return 2
        for a, value in zip(touched, values, strict=True):
            self.holding[a] = value
        return 0

    def _register(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) != 4:
            return 3
        return self._holding_write(self._pair(d, 0), [self._pair(d, 2)]) or d

    def _coils(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) < 5:
            return 3
        start, count, size = self._pair(d, 0), self._pair(d, 2), d[4]
        if not 1 <= count <= 0x7B0 or size != -(-count // 8) or len(d) - 5 != size:
            return 3
        for a in range(start, start + count):
            if a not in self.coils or ("coil", a) in self.read_only:
                return 2
        for i in range(count):
            self.coils[start + i] = d[5 + i // 8] >> (i % 8) & 1
        return d[:4]

    def _many(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) < 5:
            return 3
        start, count, size = self._pair(d, 0), self._pair(d, 2), d[4]
        if not 1 <= count <= 0x7B or size != count * 2 or len(d) - 5 != size:
            return 3
        values = [self._pair(d, 5 + 2 * i) for i in range(count)]
        return self._holding_write(start, values) or d[:4]

    def _mask(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) != 6:
            return 3
        a, and_mask, or_mask = (self._pair(d, i) for i in (0, 2, 4))
        if a not in self.holding:
            return 2
        value = (self.holding[a] & and_mask) | (or_mask & (0xFFFF ^ and_mask))
        return self._holding_write(a, [value]) or d

    def _both(self, fc: int, d: list[int]) -> list[int] | int:
        if len(d) < 9:
            return 3
        read, reads, write, writes = (self._pair(d, i) for i in (0, 2, 4, 6))
        if not 1 <= reads <= 0x7D or not 1 <= writes <= 0x79:
            return 3
        if d[8] != writes * 2 or len(d) - 9 != d[8]:
            return 3
        if isinstance(self._words(self.holding, read, reads), int):
            return 2
        error = self._holding_write(write, [self._pair(d, 9 + 2 * i) for i in range(writes)])
        return error or self._words(self.holding, read, reads)

    def _identify(self, fc: int, d: list[int]) -> list[int] | int:
        if not d:
            return 3
        if d[0] != 14:
            return 1
        if len(d) != 3 or not 1 <= d[1] <= 4:
            return 3
        code, wanted = d[1], d[2]
        if code == 4:
            if wanted not in self.objects:
                return 2
            chosen = [wanted]
        else:
            last = {1: 2, 2: 0x7F, 3: 0xFF}[code]
            stream = [n for n in sorted(self.objects) if n <= last]
            chosen = [n for n in stream if n >= wanted] if wanted in stream else stream
        out = [14, code, 0x81 if max(self.objects) < 3 else 0x82, 0, 0, len(chosen)]
        for number in chosen:
            out += [number, len(self.objects[number]), *self.objects[number]]
        return out
