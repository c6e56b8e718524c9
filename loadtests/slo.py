"""`slo.toml`: limits as data, and the verdict on a run, a pure function of what was measured.

Exit codes: 0 every limit held; 1 the harness failed (raised elsewhere, as an error); 2 the run
cannot decide, because the generator was starved or the samples are too few; 99 a limit was
breached. A starved generator never fails the system under load: what it measured is its own
lateness.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from loadtests.driver import AbortRule
from loadtests.result import Recorder, Series
from twin import strict_toml
from twin.errors import ConfigError

Outcome = Literal["pass", "breach", "inconclusive"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "inconclusive": 2, "breach": 99}

ANY = "*"
"""The name that means all arrivals together."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Rate = Annotated[float, msgspec.Meta(gt=0)]


class GeneratorLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the generator itself counts as starved.

    `lag_p99_s`: lateness of its own 10 ms tick; an idle machine stays below 3 ms, and beyond
    20 ms a percentile of some hundred milliseconds is no longer the server's alone.
    `cpu_max`: CPU time ÷ wall time of its busiest process; Python cannot go above 1.
    """

    lag_p99_s: Seconds = 0.02
    cpu_max: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95


class Abort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop early where going on only hurts: an aborted run is a breach."""

    error_rate: Share
    window_s: Seconds = 5.0
    count_min: Annotated[int, msgspec.Meta(ge=1)] = 20

    def rule(self) -> AbortRule:
        """The same as the driver takes it."""
        return AbortRule(self.error_rate, self.window_s, self.count_min)


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits for one request name, or for all arrivals together (`*`).

    Times are response times from the intended start, `service_…` from the real one; a value
    equal to its limit holds. `throughput_min_per_s` counts good answers per measured second.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    p50_s: Seconds | None = None
    p95_s: Seconds | None = None
    p99_s: Seconds | None = None
    max_s: Seconds | None = None
    service_p99_s: Seconds | None = None
    error_rate: Share | None = None
    dropped_rate: Share | None = None
    throughput_min_per_s: Rate | None = None


class Slo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `slo.toml`."""

    version: Literal[1]
    limit: Annotated[list[Limit], msgspec.Meta(min_length=1)]
    warm_up_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    generator: GeneratorLimits = GeneratorLimits()
    abort: Abort | None = None


class Check(msgspec.Struct, frozen=True):
    """One limit, what was measured and what follows."""

    name: str
    metric: str
    measured: float | None
    limit: float
    unit: str
    outcome: Outcome
    note: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """What the gate decides; `reason` is one sentence."""

    outcome: Outcome
    reason: str
    checks: list[Check]

    @property
    def exit_code(self) -> int:
        """0, 2 or 99."""
        return EXIT_CODES[self.outcome]


def load(path: Path) -> Slo:
    """Read and validate `slo.toml`; errors name file, line and key."""
    slo = strict_toml.load(path, Slo)
    for number, limit in enumerate(slo.limit):
        if not any(_asked(limit)):
            raise ConfigError(
                path,
                strict_toml.LineIndex(path.read_text(encoding="utf-8")).find(f"limit.{number}"),
                f"limit.{number}",
                f"limits nothing for {limit.name!r}; add e.g. p99_s or error_rate",
            )
    return slo


def _asked(limit: Limit) -> Iterator[str]:
    for key in limit.__struct_fields__:
        if key != "name" and getattr(limit, key) is not None:
            yield key


_PERCENTILES = {"p50_s": 50.0, "p95_s": 95.0, "p99_s": 99.0, "service_p99_s": 99.0}


def judge(recorder: Recorder, slo: Slo) -> Verdict:
    """Hold a run against its limits."""
    checks = [check for limit in slo.limit for check in _limit_checks(recorder, limit)]
    health = _health_checks(recorder, slo.generator)
    starved = [check for check in health if check.outcome != "pass"]
    checks += health
    breaches = [check for check in checks if check.outcome == "breach"]
    open_ones = [check for check in checks if check.outcome == "inconclusive"]
    if starved:
        first = starved[0]
        return Verdict(
            "inconclusive",
            f"the generator was starved: {describe(first)}; next: lower the rate, use a quieter "
            "machine, or share the load between Locust workers",
            checks,
        )
    if recorder.info.aborted:
        return Verdict("breach", recorder.info.aborted, checks)
    if breaches:
        return Verdict("breach", "; ".join(describe(check) for check in breaches), checks)
    if open_ones:
        return Verdict("inconclusive", "; ".join(describe(c) for c in open_ones), checks)
    return Verdict("pass", f"all {len(checks)} limits held", checks)


ERRORS_WITHOUT_LIMITS = 0.01
"""A run without an `slo.toml` is no success when more than this share of it failed."""


def judge_without_limits(recorder: Recorder) -> Verdict:
    """The verdict where no `slo.toml` was given: only the generator is held to its defaults."""
    checks = _health_checks(recorder, GeneratorLimits())
    starved = [check for check in checks if check.outcome != "pass"]
    if starved:
        return Verdict("inconclusive", f"the generator was starved: {describe(starved[0])}", checks)
    if recorder.total().ok == 0:
        return Verdict("breach", "not one good answer", checks)
    rate = recorder.total().error_rate
    if rate > ERRORS_WITHOUT_LIMITS:
        return Verdict(
            "breach",
            f"{rate:.1%} failed; without limits of your own (--slo) at most "
            f"{ERRORS_WITHOUT_LIMITS:.0%} may",
            checks,
        )
    return Verdict("pass", "measured; no limits were given (--slo)", checks)


def describe(check: Check) -> str:
    """A check as a sentence for the terminal."""
    if check.measured is None:
        return f"{label(check)}: {check.note}"
    signs = {"pass": "holds", "breach": "breaks", "inconclusive": "cannot be held against"}
    note = f" ({check.note})" if check.note else ""
    if check.outcome == "breach" and check.note:
        return f"{label(check)}: {check.note}"
    return (
        f"{label(check)} {number(check.measured, check.unit)} "
        f"{signs[check.outcome]} the limit {number(check.limit, check.unit)}{note}"
    )


_METRICS = {
    "p50_s": "response p50",
    "p95_s": "response p95",
    "p99_s": "response p99",
    "max_s": "response max",
    "service_p99_s": "service p99",
    "error_rate": "error rate",
    "dropped_rate": "dropped",
    "throughput_min_per_s": "throughput",
}


def label(check: Check) -> str:
    """What a check is about, e.g. `gate decision: response p99`."""
    name = "all arrivals" if check.name == ANY else check.name
    return f"{name}: {_METRICS.get(check.metric, check.metric)}"


def number(value: float, unit: str) -> str:
    """A value with its unit as a person reads it."""
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3f} s"
    if unit == "share":
        return f"{value:.2%}"
    return f"{value:.4g} {unit}"


def _limit_checks(recorder: Recorder, limit: Limit) -> Iterator[Check]:
    series = recorder.total() if limit.name == ANY else recorder.series.get(limit.name)
    for metric in _asked(limit):
        bar = float(getattr(limit, metric))
        unit = _unit(metric)
        if series is None or series.count == 0:
            hint = strict_toml.suggest(limit.name, list(recorder.series))
            yield Check(
                limit.name, metric, None, bar, unit, "inconclusive", f"never measured{hint}"
            )
            continue
        measured = _measure(series, metric, recorder.measured_s)
        held = measured >= bar if metric.startswith("throughput") else measured <= bar
        outcome: Outcome = "pass" if held else "breach"
        note = ""
        if metric in _PERCENTILES:
            needed = round(100 / (100 - _PERCENTILES[metric]))
            samples = (series.service if metric.startswith("service") else series.response).count
            if samples < needed:
                outcome, note = "inconclusive", f"{samples} samples, at least {needed} needed"
        if unit == "s" and series.ok == 0:
            # A refusal is quick: times of failures alone must not pass for good ones.
            outcome, note = "breach", "not one good answer"
        yield Check(limit.name, metric, measured, bar, unit, outcome, note)


def _unit(metric: str) -> str:
    if metric.endswith("_per_s"):
        return "1/s"
    return "s" if metric.endswith("_s") else "share"


def _measure(series: Series, metric: str, measured_s: float) -> float:
    match metric:
        case "max_s":
            return series.response.max_s
        case "service_p99_s":
            return series.service.percentile_s(99.0)
        case "error_rate":
            return series.error_rate
        case "dropped_rate":
            return series.dropped_rate
        case "throughput_min_per_s":
            return series.ok / measured_s if measured_s > 0 else 0.0
        case _:
            return series.response.percentile_s(_PERCENTILES[metric])


def _health_checks(recorder: Recorder, limits: GeneratorLimits) -> list[Check]:
    """The generator held to its own limits; without a single tick it knows nothing."""
    lag = recorder.lag.percentile_s(99.0) if recorder.lag.count else None
    lag_held = lag is not None and lag <= limits.lag_p99_s
    cpu_held = recorder.cpu_share <= limits.cpu_max
    return [
        Check(
            "generator",
            "lag p99",
            lag,
            limits.lag_p99_s,
            "s",
            "pass" if lag_held else "inconclusive",
            "" if lag is not None else "its own tick was never measured",
        ),
        Check(
            "generator",
            "cpu",
            recorder.cpu_share,
            limits.cpu_max,
            "share",
            "pass" if cpu_held else "inconclusive",
        ),
    ]
