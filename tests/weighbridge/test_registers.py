"""The same scale over Modbus: its registers show what its points say."""

from __future__ import annotations

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from tests.weighbridge.ground import AXLES, Yard
from twin import profiles
from twin.clock import Clock, run_virtual
from twin.wires.modbus import ModbusServer


def test_registers_show_the_scale() -> None:
    """A client that we did not write reads weight, sign and flags, and zeroes, by the profile."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        profile = profiles.load("weighbridge")
        server = ModbusServer(yard.scale, profile, clock=clock, trace=yard.trace)
        port = await server.start()
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        assert await client.connect()

        async def shown() -> tuple[int, int]:
            answer = await client.read_input_registers(0, count=5, device_id=1)
            words = answer.registers
            return words[0] << 16 | words[1], words[4]

        try:
            gross_kg, status = await shown()
            assert gross_kg == 0
            assert status & 0b100  # settled
            assert status & 0b1000_0000  # at zero
            await yard.stand(*AXLES)
            gross_kg, status = await shown()
            assert abs(gross_kg - sum(AXLES)) <= 20
            assert not status & 0b1000_0000
            yard.drive_off(yard.lane.movers[0])
            await clock.sleep(60)
            yard.scale.inject("drift", rate_kg_h=0.0, offset_kg=-60.0)
            gross_kg, status = await shown()
            assert (gross_kg, status & 0b10) == (60, 0b10)  # magnitude and sign
            await client.write_register(0, 1, device_id=1)
            assert (await shown())[0] == 0
            yard.scale.inject("offline")
            assert await _lost(client)
        finally:
            client.close()
            await server.stop()

    async def _lost(client: AsyncModbusTcpClient) -> bool:
        try:
            await client.read_input_registers(0, count=1, device_id=1)
        except ModbusException:
            return True
        return False

    run_virtual(main)
