"""Hands before a camera: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ManualHands
from hil.drivers.twin import TwinHands


class CameraTwinHands(TwinHands):
    """Plays scene, power and operator."""

    async def show(self, plate: str, *, covered: bool) -> None:
        """See `Scene`."""
        await self.call("show", plate=plate, covered=covered)


class CameraManualHands(ManualHands):
    """The same by prompts; the time is this computer's, which has to be synchronised."""

    device = "camera"

    async def show(self, plate: str, *, covered: bool) -> None:
        """See `Scene`."""
        how = "with its plate covered with mud" if covered else f"with the plate {plate}"
        self._is.pop("pass", None)
        await self.do("pass", True, f"Let one vehicle {how} pass the trigger line. Done?")
