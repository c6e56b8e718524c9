"""Our histograms, limits and reports inside Locust, by its public hooks.

Imported by a locustfile only: Locust patches the standard library for gevent on import, so no
process that runs asyncio may do so. Every process records what its users measured; a worker
sends what is new with each of Locust's own reports (`report_to_master`), the master adds it up
(`worker_report`), and on leaving it judges the sum and sets the exit code.

A user that keeps a schedule says how late a request was sent in the request's context
(`late_s`), so that a frozen server shows in the response time here too; Locust's own statistics
know the service time alone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from loadtests import outcome, slo
from loadtests.driver import TICK_S, abort_reason
from loadtests.errors import failure_kind
from loadtests.modbus import parse_block
from loadtests.result import Recorder, RunInfo, slot_width_s
from twin.errors import GateTwinError

PAYLOAD = "gatetwin"
"""Key of our share in Locust's report from worker to master."""


class LocustRun:
    """The recorder of one Locust process and its place in the run."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        options = environment.parsed_options
        self.limits = slo.load(Path(options.slo)) if options.slo else None
        for text in options.read or []:
            parse_block(text)  # a misspelt block ends the run here, not each user on its own
        if self.limits is not None:
            # The master's options travel to the workers, which need not have the file.
            options.warm_up_s = self.limits.warm_up_s
        self.started_s = time.monotonic()
        self.started_cpu_s = time.process_time()
        self.recorder = Recorder(self.info())
        self._reported = False
        self._ticker: Any = None
        hooks = environment.events
        hooks.test_start.add_listener(self.on_test_start)
        hooks.test_stop.add_listener(self.on_test_stop)
        hooks.reset_stats.add_listener(self.on_reset)
        hooks.quitting.add_listener(self.on_quitting)
        if isinstance(environment.runner, WorkerRunner):
            hooks.report_to_master.add_listener(self.on_report)
        if isinstance(environment.runner, MasterRunner):
            hooks.worker_report.add_listener(self.on_worker_report)
        else:
            hooks.request.add_listener(self.on_request)

    def info(self) -> RunInfo:
        """The run as Locust's options describe it."""
        options = self.environment.parsed_options
        users = int(options.num_users or 1)
        classes = "+".join(cls.__name__ for cls in self.environment.user_classes)
        return RunInfo(
            workload=f"locust {classes}",
            target=str(self.environment.host or ""),
            model="paced users",
            rate_per_s=users * options.rate_per_user,
            shape="constant",
            seed=options.load_seed,
            connections=users,
            timeout_s=options.timeout_s,
            planned_s=0.0,
            warm_up_s=options.warm_up_s,
            started_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            slot_s=slot_width_s(float(options.run_time or 0)),
        )

    def now_s(self) -> float:
        """Seconds since the test started in this process."""
        return time.monotonic() - self.started_s

    def on_test_start(self, **_: Any) -> None:
        """Begin anew: the same process may run several tests."""
        self.started_s, self.started_cpu_s = time.monotonic(), time.process_time()
        self.recorder = Recorder(self.info())
        self.recorder.processes = 0 if self.is_master else 1
        self._reported = False
        if self._ticker is None:
            self._ticker = gevent.spawn(self._watch if self.is_master else self._tick)

    def on_test_stop(self, **_: Any) -> None:
        """Stop the health tick: what happens after the load says nothing about it."""
        if self._ticker is not None:
            self._ticker.kill(block=False)
            self._ticker = None
        self._measure_cpu()

    def on_reset(self, **_: Any) -> None:
        """Locust's `--reset-stats` after spawning: what came before does not count."""
        self.recorder = Recorder(self.recorder.info)

    @property
    def is_master(self) -> bool:
        """Whether this process only adds up what others measure."""
        return isinstance(self.environment.runner, MasterRunner)

    def on_request(
        self,
        name: str,
        response_time: float,
        exception: BaseException | None = None,
        context: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Record one request of one of our users (or of anybody's)."""
        context = context or {}
        done_s = self.now_s()
        sent_s = done_s - (response_time or 0.0) / 1000.0
        failure = ""
        if isinstance(exception, CatchResponseError):
            failure = str(exception)  # the word that the user gave
        elif exception is not None:
            failure = failure_kind(exception)
        if "arrival_s" in context:
            # A call of a journey; the user gives the monotonic instant that the journey was due.
            arrival_s = float(context["arrival_s"]) - self.started_s
            self.recorder.record_step(name, arrival_s, sent_s, done_s, failure)
        else:
            intended_s = sent_s - float(context.get("late_s", 0.0))
            self.recorder.record(name, intended_s, sent_s, done_s, failure)

    def on_report(self, data: dict[str, Any], **_: Any) -> None:
        """Worker: hand over what is new since the last report."""
        self._measure_cpu()
        self.recorder.processes = 0 if self._reported else 1
        self._reported = True
        data[PAYLOAD] = self.recorder.to_json().decode()
        self.recorder = Recorder(self.recorder.info)

    def on_worker_report(self, data: dict[str, Any], **_: Any) -> None:
        """Master: add a worker's share to the whole."""
        if PAYLOAD in data:
            self.recorder.merge(Recorder.from_json(data[PAYLOAD]))

    def on_quitting(self, **_: Any) -> None:
        """Judge the sum, write the files and set the exit code; workers leave it to the master."""
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            return
        if runner is not None and runner.state not in {"ready", "stopped"}:
            runner.stop()  # interrupted: the last reports of the workers are still to come
        options = self.environment.parsed_options
        try:
            verdict = outcome.conclude(
                self.recorder, self.limits, Path(options.load_out) if options.load_out else None
            )
        except (GateTwinError, OSError) as error:
            print(f"gatetwin load: {error}")
            self.environment.process_exit_code = 1
            return
        print(outcome.as_text(self.recorder, verdict))
        self.environment.process_exit_code = verdict.exit_code

    def _measure_cpu(self) -> None:
        elapsed_s = self.now_s()
        if elapsed_s > 0 and not self.is_master:
            self.recorder.cpu_share = (time.process_time() - self.started_cpu_s) / elapsed_s

    def _tick(self) -> None:
        """Record the lateness of a 10 ms tick; where there is no master, watch the abort rule."""
        began_s, ticks = self.now_s(), 0
        while True:
            due_s = began_s + ticks * TICK_S
            delay_s = due_s - self.now_s()
            if delay_s > 0:
                gevent.sleep(delay_s)
            self.recorder.lag.record(self.now_s() - due_s)
            ticks += 1
            if ticks % 100 == 0 and isinstance(self.environment.runner, LocalRunner):
                self._abort_if_due()

    def _watch(self) -> None:
        """Master: the abort rule over what the workers reported."""
        while True:
            gevent.sleep(1.0)
            self._abort_if_due()

    def _abort_if_due(self) -> None:
        if self.limits is None or self.limits.abort is None or self.recorder.info.aborted:
            return
        reason = abort_reason(self.recorder, self.limits.abort.rule(), self.now_s())
        if reason:
            self.recorder.info.aborted = reason
            gevent.spawn(self.environment.runner.quit)


def add_options(parser: Any, **_: Any) -> None:
    """Our options on Locust's command line."""
    group = parser.add_argument_group("gatetwin")
    group.add_argument("--slo", default="", help="slo.toml: limits that set the exit code")
    group.add_argument("--load-out", default="", help="folder for result, report and JUnit")
    group.add_argument("--load-seed", type=int, default=1, help="seed of what users send")
    group.add_argument("--warm-up-s", type=float, default=0.0, help="seconds that do not count")
    group.add_argument("--rate-per-user", type=float, default=5.0, help="arrivals/s of one user")
    group.add_argument("--timeout-s", type=float, default=5.0, help="deadline of one request")
    group.add_argument("--read", action="append", help="Modbus TABLE:ADDRESS:COUNT, repeatable")
    group.add_argument("--unit", type=int, default=1, help="Modbus unit id")
    group.add_argument("--token", default="", env_var="GATETWIN_TOKEN", help="bearer token")
    group.add_argument("--trucks", default="", help="JSON list of trucks to ask customs about")
    group.add_argument("--camera-user", default="admin", help="user for a camera's digest")
    group.add_argument(
        "--camera-password", default="", env_var="GATETWIN_CAMERA_PASSWORD", help="its password"
    )
    group.add_argument("--camera-channel", type=int, default=1, help="channel of the picture")
    group.add_argument("--frames-per-s", type=float, default=7.0, help="frames that a scale sends")
    group.add_argument("--mqtt-user", default="", help="user name at the broker")
    group.add_argument(
        "--mqtt-password", default="", env_var="GATETWIN_MQTT_PASSWORD", help="its password"
    )
    group.add_argument("--mqtt-ca", default="", help="PEM file of the authority to trust")
    group.add_argument("--mqtt-cert", default="", help="PEM file of a client certificate")
    group.add_argument("--mqtt-key", default="", help="PEM file of its key")
    group.add_argument("--mqtt-prefix", default="uagv", help="first level of every topic")
    group.add_argument("--reefer-prefix", default="terminal", help="first level of their topics")
    group.add_argument("--orders-per-s", type=float, default=1.0, help="orders of one OrderUser")
    group.add_argument("--opcua-node", action="append", help="node id, repeatable")
    group.add_argument("--opcua-browse", type=int, default=10, help="else so many variables")
    group.add_argument("--opcua-user", default="", help="user name at the OPC UA server")
    group.add_argument(
        "--opcua-password", default="", env_var="GATETWIN_OPCUA_PASSWORD", help="its password"
    )
    group.add_argument("--checksum", action="store_true", help="frames end with a check character")


def install() -> None:
    """Hook into Locust; a locustfile calls this once, at its top level."""
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(_begin)


def _begin(environment: Environment, **_: Any) -> None:
    # gevent sets timers from a cached time, and the imports took a second or two since: without
    # this Locust's --run-time ends that much too early.
    gevent.get_hub().loop.update_now()
    try:
        LocustRun(environment)
    except GateTwinError as error:
        print(f"gatetwin load: {error}")
        environment.process_exit_code = 1
        raise SystemExit(1) from error
