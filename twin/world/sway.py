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
        # Steps already made beyond `_at_ns`: they do not depend on who asked, or when.
        self._steps, self._stepped = 0, self._swing

    def settle(
        self, now_ns: int, driver: AxisMotion, hoist: AxisMotion, *, still: bool = False
    ) -> None:
        """Keep the state of `now_ns`, before a motion is replaced; `still`: the load stands."""
        self._keep(now_ns, Swing() if still else self.at(now_ns, driver, hoist))

    def at(self, now_ns: int, driver: AxisMotion, hoist: AxisMotion) -> Swing:
        """The swing at `now_ns`, not before the last `settle` nor before the last `at`."""
        edges = {
            motion.begin_ns + round(piece.until_s * NS)
            for motion in (driver, hoist)
            for piece in motion.pieces
        }
        for edge in sorted(edges):
            if self._at_ns < edge < now_ns:
                self._keep(edge, self._carry(edge, driver, hoist))
        return self._carry(now_ns, driver, hoist)

    def _keep(self, at_ns: int, swing: Swing) -> None:
        self._at_ns, self._swing = at_ns, swing
        self._steps, self._stepped = 0, swing

    def _carry(self, to_ns: int, driver: AxisMotion, hoist: AxisMotion) -> Swing:
        """The swing over a time in which no acceleration changes."""
        from_ns = self._at_ns
        if to_ns <= from_ns:
            return self._swing
        middle = (from_ns + to_ns) // 2
        gain, damping = driver.at(middle)[2], self._damping
        height, speed, _ = hoist.at(from_ns)
        hoist_gain = hoist.at(middle)[2]
        length, span_s = self._head_m - height, (to_ns - from_ns) / NS
        if hoist.at(middle)[1] == 0:
            return pendulum.after(self._swing, span_s, length, gain, damping)

        def step(swing: Swing, at_s: float, step_s: float) -> Swing:
            return pendulum.step(
                swing, step_s, length - (speed + hoist_gain * at_s / 2) * at_s,
                -(speed + hoist_gain * at_s), -hoist_gain, gain, damping,
            )  # fmt: skip

        count = int(span_s / pendulum.STEP_S)
        while self._steps < count:
            self._stepped = step(self._stepped, self._steps * pendulum.STEP_S, pendulum.STEP_S)
            self._steps += 1
        done_s = count * pendulum.STEP_S
        return step(self._stepped, done_s, span_s - done_s)
