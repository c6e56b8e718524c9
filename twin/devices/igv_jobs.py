"""What a vehicle does besides driving: pick, drop, charge, position, handle maps; each takes time.

A job is begun, may be paused, broken off, stuck or made to fail, and reports `running`, then
`finished` or `failed` with a reason. It knows no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import simpy

from twin.clock import NS
from twin.world.yard import Box

if TYPE_CHECKING:
    from twin.devices.igv import Igv

Report = Literal["running", "finished", "failed"]
OnReport = Callable[[str, Report, str], None]
"""Called with the job's id, how far it is, and its result or why it failed."""


class Handover(Protocol):
    """The places at which boxes change hands; `twin.world.bays.Bays` is one."""

    def look(self, x_m: float, y_m: float, box_id: str | None) -> Box | str:
        """The box that would be taken at (x, y), or why there is none."""

    def take(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """Remove a box that `look` has shown."""

    def room(self, x_m: float, y_m: float) -> str:
        """Empty if a box can be set down at (x, y), else why not."""

    def put(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """Set a box down."""

    def has_charger(self, x_m: float, y_m: float) -> bool:
        """Whether there is a charger at (x, y)."""


@dataclass(slots=True)
class Job:
    """One job under way. `remaining_ns` counts while it is paused."""

    id: str
    kind: str
    values: Mapping[str, Any]
    report: OnReport
    cause: int
    timer: simpy.Timeout | None = None
    due_ns: int = 0
    remaining_ns: int = 0
    then: Callable[[], None] | None = None
    paused: bool = False
    tried: bool = field(default=False)


class Jobs:
    """All jobs of one vehicle."""

    def __init__(self, igv: Igv) -> None:
        self._igv = igv
        self.running: dict[str, Job] = {}
        self._begin: dict[str, Callable[[Job], None]] = {
            "pick": lambda job: self._prepare(job, self._igv.parameters.pick_s, self._pick),
            "drop": lambda job: self._prepare(job, self._igv.parameters.drop_s, self._drop_box),
            "detect": lambda job: self._timed(job, self._igv.parameters.detect_s, self._detect),
            "position": lambda job: self._timed(job, self._igv.parameters.position_s, self._dock),
            "wait": lambda job: job.report(job.id, "running", ""),
            "charge": lambda job: self._timed(job, self._igv.parameters.charge_start_s, self._plug),
            "unplug": lambda job: self._timed(job, 1.0, self._unplug),
            "swap": lambda job: self._timed(job, self._igv.parameters.energy.swap_s, self._swap),
            "locate": lambda job: self._timed(job, 1.0, self._locate),
            "download": lambda job: self._timed(job, self._igv.parameters.download_s, self._fetch),
            "enable": lambda job: self._timed(job, 0.5, self._map),
            "delete": lambda job: self._timed(job, 0.5, self._map),
            "log": lambda job: self._timed(job, self._igv.parameters.log_s, self._log),
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of job."""
        return frozenset(self._begin)

    def begin(
        self, id: str, kind: str, values: Mapping[str, Any], report: OnReport, *, cause: int = -1
    ) -> None:
        """Begin a job; `report` may be called before this returns."""
        record = self._igv.trace(self._igv.id, "igv.job", cause, job=id, kind=kind)
        job = Job(id, kind, dict(values), report, record)
        self.running[id] = job
        self._begin[kind](job)

    def abort(self, id: str) -> None:
        """Break a job off; it reports nothing any more."""
        job = self.running.pop(id, None)
        if job is not None:
            self._stop_timer(job)
            self._igv.trace(self._igv.id, "igv.job_aborted", job.cause, job=id)

    def pause(self, id: str) -> None:
        """Hold a job where it is."""
        job = self.running.get(id)
        if job is not None and not job.paused:
            job.paused = True
            job.remaining_ns = max(0, job.due_ns - self._igv.clock.now_ns())
            self._stop_timer(job)

    def resume(self, id: str) -> None:
        """Go on with a paused job."""
        job = self.running.get(id)
        if job is not None and job.paused:
            job.paused = False
            if job.then is not None:
                self._wait(job, job.remaining_ns / NS, job.then)

    def trigger(self) -> None:
        """Somebody presses the button that a `wait` waits for."""
        for job in [job for job in self.running.values() if job.kind == "wait"]:
            self._end(job, "finished", "triggered at the vehicle")

    def fault_changed(self) -> None:
        """`stuck_action` or `failed_action` began or ended: whoever runs feels it."""
        for job in list(self.running.values()):
            if self._igv.failing:
                self._end(job, "failed", self._igv.failing)
            elif not self._igv.stuck and job.then is not None and job.timer is None:
                if not job.paused:
                    self._wait(job, job.remaining_ns / NS, job.then)
            elif self._igv.stuck:
                job.remaining_ns = max(0, job.due_ns - self._igv.clock.now_ns())
                self._stop_timer(job)

    # --- time ------------------------------------------------------------------------------------

    def _prepare(self, job: Job, seconds: float, then: Callable[[Job], None]) -> None:
        """A first part before it counts as running, then the work itself."""

        def work() -> None:
            job.report(job.id, "running", "")
            if job.id in self.running:
                self._wait(job, seconds, lambda: then(job))

        self._wait(job, self._igv.parameters.prepare_s, work)

    def _timed(self, job: Job, seconds: float, then: Callable[[Job], None]) -> None:
        job.report(job.id, "running", "")
        self._wait(job, seconds, lambda: then(job))

    def _wait(self, job: Job, seconds: float, then: Callable[[], None]) -> None:
        job.then = then
        job.remaining_ns = round(seconds * NS)
        job.due_ns = self._igv.clock.now_ns() + job.remaining_ns
        if self._igv.failing:
            seconds, then = 1.0, lambda: self._end(job, "failed", self._igv.failing or "it failed")
        elif self._igv.stuck or job.paused:
            return

        def due() -> None:
            job.timer = None
            then()

        job.timer = self._igv.clock.call_later(seconds, due)

    def _stop_timer(self, job: Job) -> None:
        if job.timer is not None and job.timer.callbacks is not None:
            job.timer.callbacks.clear()
        job.timer = None

    def _end(self, job: Job, how: Report, text: str) -> None:
        self._stop_timer(job)
        self.running.pop(job.id, None)
        self._igv.trace(self._igv.id, "igv.job_ended", job.cause, job=job.id, how=how, text=text)
        job.report(job.id, how, text)

    # --- what each does --------------------------------------------------------------------------

    def _pick(self, job: Job) -> None:
        igv = self._igv
        pose, wanted = igv.carrier.pose, job.values.get("loadId")
        found = igv.handover.look(pose.x_m, pose.y_m, wanted if isinstance(wanted, str) else None)
        if isinstance(found, str):
            return self._end(job, "failed", found)
        why = igv.no_room_for(found) or self._misplaced()
        if why:
            return self._end(job, "failed", why)
        igv.handover.take(pose.x_m, pose.y_m, found, job.cause)
        igv.carrier.take(found, cause=job.cause)
        igv.changed("load")
        return self._end(job, "finished", found.number)

    def _drop_box(self, job: Job) -> None:
        igv = self._igv
        pose, wanted = igv.carrier.pose, job.values.get("loadId")
        boxes = [box for box in igv.carrier.boxes if wanted in (None, box.number)]
        why = "it does not carry that load" if not boxes else ""
        why = why or igv.handover.room(pose.x_m, pose.y_m) or self._misplaced()
        if why:
            return self._end(job, "failed", why)
        box = igv.carrier.give(boxes[0].number, cause=job.cause)
        igv.handover.put(pose.x_m, pose.y_m, box, job.cause)
        igv.changed("load")
        return self._end(job, "finished", box.number)

    def _misplaced(self) -> str:
        off_m, limit_m = abs(self._igv.dock_error_m), self._igv.parameters.dock_limit_m
        if off_m <= limit_m:
            return ""
        return f"it stands {off_m * 100:.1f} cm off; at most {limit_m * 100:.0f} cm"

    def _detect(self, job: Job) -> None:
        pose = self._igv.carrier.pose
        found = self._igv.handover.look(pose.x_m, pose.y_m, None)
        if isinstance(found, str):
            return self._end(job, "failed", found)
        return self._end(job, "finished", found.number)

    def _dock(self, job: Job) -> None:
        self._igv.dock_again()
        self._end(job, "finished", f"{self._igv.dock_error_m:.3f}")

    def _plug(self, job: Job) -> None:
        igv = self._igv
        pose = igv.carrier.pose
        if igv.driving:
            return self._end(job, "failed", "it drives")
        if not igv.handover.has_charger(pose.x_m, pose.y_m):
            return self._end(job, "failed", "there is no charger here")
        igv.carrier.plug(True, cause=job.cause)
        igv.changed("charging")
        return self._end(job, "finished", "")

    def _unplug(self, job: Job) -> None:
        self._igv.unplug(cause=job.cause)
        self._end(job, "finished", "")

    def _swap(self, job: Job) -> None:
        pose = self._igv.carrier.pose
        if not self._igv.handover.has_charger(pose.x_m, pose.y_m):
            return self._end(job, "failed", "there is no battery station here")
        self._igv.carrier.swap_battery(cause=job.cause)
        self._igv.changed("charging")
        return self._end(job, "finished", "")

    def _locate(self, job: Job) -> None:
        why = self._igv.locate(job.values, cause=job.cause)
        self._end(job, "failed" if why else "finished", why)

    def _fetch(self, job: Job) -> None:
        def fetched(why: str) -> None:
            if job.id in self.running:
                self._end(job, "failed", why) if why else self._map(job)

        fetch = self._igv.maps.fetch
        if fetch is None:
            self._map(job)
        else:
            fetch(job.values, fetched)

    def _map(self, job: Job) -> None:
        igv, values = self._igv, job.values
        why = igv.maps.change(job.kind, values)
        if not why:
            igv.trace(
                igv.id, "igv.map", job.cause, how=job.kind, map=str(values.get("mapId", "")),
                version=str(values.get("mapVersion", "")),
            )  # fmt: skip
        igv.maps_changed(cause=job.cause)
        self._end(job, "failed" if why else "finished", why)

    def _log(self, job: Job) -> None:
        self._end(job, "finished", f"{self._igv.id}-{self._igv.clock.now_ns() // NS}.log")
