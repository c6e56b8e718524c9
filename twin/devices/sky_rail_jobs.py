"""What a sky-rail's carrier does besides driving: its hoist fetches and sets down boxes.

`pick`: the table runs under the rail, the box stops swinging, the spreader goes down, locks, and
comes up with it. `drop`: the same with the box on the way down; it is over when the table has taken
it back under the sky, where a crane can reach it. There is nothing to charge and nothing to swap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from twin.clock import NS
from twin.devices.igv_jobs import Handover, Job, Jobs, Report
from twin.devices.sky_rail_words import travel_s
from twin.physics.energy import J_PER_KWH
from twin.physics.parameters import GRAVITY_M_S2

if TYPE_CHECKING:
    from twin.devices.sky_rail import SkyCarrier

_POLL_S = 1.0
_RETRY_S = 5.0
GONE = frozenset({"charge", "unplug", "swap"})
"""Jobs of a vehicle on the ground that a carrier on a rail does not have."""


class TableHandover(Handover, Protocol):
    """The places at which boxes change hands; `twin.world.tables.Tables` is one."""

    def why_not_run(self, x_m: float, y_m: float) -> str:
        """Empty if the table at (x, y) may run, else what is in its way."""

    def run(self, x_m: float, y_m: float, *, under_rail: bool, cause: int = -1) -> None:
        """The table has run."""


class HoistJobs(Jobs):
    """All jobs of one carrier."""

    def __init__(self, carrier: SkyCarrier, tables: TableHandover) -> None:
        super().__init__(carrier)
        self._car, self._tables = carrier, tables
        self._withdrawing = False
        """The hoist comes up, or the table goes away, after a job that was given up."""
        self._begin = {kind: begin for kind, begin in self._begin.items() if kind not in GONE}
        self._begin["pick"] = lambda job: self._call_table(job, self._lower_to_pick)
        self._begin["drop"] = lambda job: self._call_table(job, self._lower_to_drop)

    def abort(self, id: str) -> None:
        """Break a job off; the hoist comes up before anything else."""
        job = self.running.get(id)
        super().abort(id)
        if job is not None and job.kind in ("pick", "drop"):
            self._withdraw(job)
        self._car.rescue.looked_at()

    def _end(self, job: Job, how: Report, text: str) -> None:
        super()._end(job, how, text)
        self._car.rescue.looked_at()

    # --- the table -------------------------------------------------------------------------------

    @property
    def _here(self) -> tuple[float, float]:
        pose = self._car.carrier.pose
        return pose.x_m, pose.y_m

    @property
    def _table_s(self) -> float:
        p = self._car.sky
        return travel_s(p.table_m, p.table_m_s, p.table_m_s2)

    def _call_table(self, job: Job, then: Callable[[Job], None]) -> None:
        """Look whether it can be done at all, then have the table run under the rail."""
        job.report(job.id, "running", "")
        why = self._why_not(job)
        if why:
            return self._end(job, "failed", why)
        return self._try_table(job, then, self._car.clock.now_ns())

    def _try_table(self, job: Job, then: Callable[[Job], None], since_ns: int) -> None:
        coming_up = "the hoist is not up yet" if self._withdrawing else ""
        why = coming_up or self._tables.why_not_run(*self._here)
        if why and self._car.clock.now_ns() - since_ns >= self._car.sky.table_wait_s * NS:
            return self._end(job, "failed", why)
        if why:
            return self._wait(job, _POLL_S, lambda: self._try_table(job, then, since_ns))
        self._tables.run(*self._here, under_rail=True, cause=job.cause)
        return self._wait(job, self._table_s, lambda: self._settle(job, then))

    def _why_not(self, job: Job) -> str:
        car, wanted = self._car, job.values.get("loadId")
        if car.driving:
            return "it drives"
        if job.kind == "pick":
            box_id = wanted if isinstance(wanted, str) else None
            found = self._tables.look(*self._here, box_id)
            if isinstance(found, str):
                return found
            return car.no_room_for(found) or self._misplaced()
        boxes = [box for box in car.carrier.boxes if wanted in (None, box.number)]
        if not boxes:
            return "it does not carry that load"
        return self._tables.room(*self._here) or self._misplaced()

    # --- the hoist -------------------------------------------------------------------------------

    def _hoist_s(self, *, loaded: bool) -> float:
        p = self._car.sky
        speed_m_s = p.hoist_m_s * self._car.hoist_share if loaded else p.hoist_empty_m_s
        return travel_s(p.lift_m, speed_m_s, p.hoist_m_s2)

    def _settle(self, job: Job, then: Callable[[Job], None]) -> None:
        """Wait until what hangs below swings less than the hoist may lower."""
        self._car.hoist_down(True)
        settle_s = self._car.body.settle_s(self._car.sky.sway_limit_m)
        self._wait(job, settle_s, lambda: then(job))

    def _lower_to_pick(self, job: Job) -> None:
        self._wait(job, self._hoist_s(loaded=False), lambda: self._turn(job, self._pick))

    def _lower_to_drop(self, job: Job) -> None:
        self._wait(job, self._hoist_s(loaded=True), lambda: self._turn(job, self._drop_box))

    def _turn(self, job: Job, then: Callable[[Job], None]) -> None:
        self._wait(job, self._car.sky.lock_s, lambda: self._locked(job, then))

    def _locked(self, job: Job, then: Callable[[Job], None]) -> None:
        if "lock_fault" in self._car.faults:
            self._withdraw(job)
            return self._end(job, "failed", "a twist-lock does not turn")
        return then(job)

    def _pick(self, job: Job) -> None:
        car, wanted = self._car, job.values.get("loadId")
        found = self._tables.look(*self._here, wanted if isinstance(wanted, str) else None)
        if isinstance(found, str):
            self._withdraw(job)
            return self._end(job, "failed", found)
        self._tables.take(*self._here, found, job.cause)
        car.carrier.take(found, cause=job.cause)
        car.changed("load")
        self._lifted(found.mass_kg + car.sky.spreader_kg)

        def up() -> None:
            self._clear_table(job)
            self._end(job, "finished", found.number)

        return self._wait(job, self._hoist_s(loaded=True), up)

    def _drop_box(self, job: Job) -> None:
        car, wanted = self._car, job.values.get("loadId")
        box = next(box for box in car.carrier.boxes if wanted in (None, box.number))
        car.carrier.give(box.number, cause=job.cause)
        self._tables.put(*self._here, box, job.cause)
        car.changed("load")
        self._lifted(car.sky.spreader_kg)

        def up() -> None:
            self._clear_table(job)
            self._wait(job, self._table_s, lambda: self._end(job, "finished", box.number))

        return self._wait(job, self._hoist_s(loaded=False), up)

    def _lifted(self, mass_kg: float) -> None:
        p = self._car.sky
        efficiency = p.hoist_efficiency * self._car.hoist_share
        work_j = mass_kg * GRAVITY_M_S2 * p.lift_m / efficiency
        self._car.body.work(work_j / J_PER_KWH)
        self._car.lifted(mass_kg)

    def _clear_table(self, job: Job) -> None:
        """The hoist is up: the table runs back, and the carrier may drive."""
        self._tables.run(*self._here, under_rail=False, cause=job.cause)
        self._car.hoist_down(False)

    def _withdraw(self, job: Job) -> None:
        """Bring the hoist up and the table away, whatever became of the job."""
        self._withdrawing = True
        loaded = bool(self._car.carrier.boxes)
        up_s = self._hoist_s(loaded=loaded) if self._car.hoist_is_down else self._table_s
        self._car.clock.call_later(up_s, lambda: self._withdrawn(job))

    def _withdrawn(self, job: Job) -> None:
        """It is up, unless something has kept the hoist from moving; then it tries again."""
        if self._car.stuck:
            self._car.clock.call_later(_RETRY_S, lambda: self._withdrawn(job))
            return
        self._withdrawing = False
        self._clear_table(job)
