"""Hands at a receiver: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ManualHands
from hil.drivers.twin import TwinHands
from hil.errors import BenchError


class GnssTwinHands(TwinHands):
    """Plays sky, power and operator."""

    async def signal(self, on: bool) -> None:
        """See `Sky`."""
        await self.call("signal", on=on)

    async def corrections(self, on: bool) -> None:
        """See `Sky`."""
        await self.call("corrections", on=on)

    async def drive(self, speed_m_s: float, course_deg: float) -> None:
        """See `Sky`."""
        await self.call("drive", speed_m_s=speed_m_s, course_deg=course_deg)

    async def home(self) -> None:
        """See `Sky`."""
        await self.call("home")

    async def place(self, latitude_deg: float, longitude_deg: float) -> None:
        """See `Sky`."""
        await self.call("place", latitude_deg=latitude_deg, longitude_deg=longitude_deg)


class GnssManualHands(ManualHands):
    """The same by prompts; the time is this computer's, which has to be synchronised."""

    device = "receiver"

    async def signal(self, on: bool) -> None:
        """See `Sky`."""
        how = "Connect the antenna's cable" if on else "Pull the antenna's cable"
        await self.do("no signal", not on, f"{how}. Done?")

    async def corrections(self, on: bool) -> None:
        """See `Sky`."""
        how = "Switch the corrections on" if on else "Switch the corrections off"
        await self.do("no corrections", not on, f"{how}. Done?")

    async def drive(self, speed_m_s: float, course_deg: float) -> None:
        """See `Sky`."""
        if speed_m_s == 0:
            await self.do("driving", False, "Stop the vehicle. Does it stand?")
            return
        how = f"Drive straight at about {speed_m_s:g} m/s, course {course_deg:.0f} degrees"
        self._is["away"] = True
        await self.do("driving", True, f"{how}, and drive on. Does it drive?")

    async def home(self) -> None:
        """See `Sky`."""
        await self.drive(0.0, 0.0)
        await self.do("away", False, "Bring the antenna back to the surveyed point. Done?")

    async def place(self, latitude_deg: float, longitude_deg: float) -> None:
        """See `Sky`: a person cannot."""
        raise BenchError(
            f"sky: nobody can carry an antenna to {latitude_deg:.7f}, {longitude_deg:.7f}; "
            "declare simulated_sky = false in pics.toml"
        )
