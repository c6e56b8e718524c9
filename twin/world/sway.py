"""How a load swings along one direction while its trolley drives and its rope runs.

Only the state at the last change of plan is kept; any later instant is worked out from it, piece
by piece of the two motions that matter. What is asked never changes what is answered later.
"""

from __future__ import annotations

from twin.clock import NS
from twin.world import pendulum
from twin.world.axis import AxisMotion
from twin.world.pendulum import Swing


class Sway:
    """The swing of one direction; `head_m` is the height of the rope drums above the ground."""

    def __init__(self, head_m: float, damping: float, at_ns: int) -> None:
        self._head_m, self._damping = head_m, damping
        self._at_ns, self._swing = at_ns, Swing()

    def settle(
        self, now_ns: int, driver: AxisMotion, hoist: AxisMotion, *, still: bool = False
    ) -> None:
        """Keep the state of `now_ns`, before a motion is replaced; `still`: the load stands."""
        self._swing = Swing() if still else self.at(now_ns, driver, hoist)
        self._at_ns = now_ns

    def at(self, now_ns: int, driver: AxisMotion, hoist: AxisMotion) -> Swing:
        """The swing at `now_ns`, not before the last `settle`."""
        swing, t_ns = self._swing, self._at_ns
        edges = sorted(
            {
                motion.begin_ns + round(piece.until_s * NS)
                for motion in (driver, hoist)
                for piece in motion.pieces
            }
        )
        for edge in [*(e for e in edges if t_ns < e < now_ns), now_ns]:
            swing = self._carry(swing, t_ns, edge, driver, hoist)
            t_ns = edge
        return swing

    def _carry(
        self, swing: Swing, from_ns: int, to_ns: int, driver: AxisMotion, hoist: AxisMotion
    ) -> Swing:
        """The swing over a time in which no acceleration changes."""
        if to_ns <= from_ns:
            return swing
        middle = (from_ns + to_ns) // 2
        gain, damping = driver.at(middle)[2], self._damping
        height, speed, _ = hoist.at(from_ns)
        hoist_gain = hoist.at(middle)[2]
        length, span_s = self._head_m - height, (to_ns - from_ns) / NS
        if hoist.at(middle)[1] == 0:
            return pendulum.after(swing, span_s, length, gain, damping)
        count = int(span_s / pendulum.STEP_S)
        for number in range(count + 1):
            at_s = number * pendulum.STEP_S
            step_s = pendulum.STEP_S if number < count else span_s - at_s
            swing = pendulum.step(
                swing, step_s, length - (speed + hoist_gain * at_s / 2) * at_s,
                -(speed + hoist_gain * at_s), -hoist_gain, gain, damping,
            )  # fmt: skip
        return swing
