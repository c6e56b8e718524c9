"""The gate: what passes, what breaches, and what it refuses to decide."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from loadtests import outcome, report, slo
from loadtests.errors import LoadError
from loadtests.result import Recorder, RunInfo
from loadtests.slo import Abort, GeneratorLimits, Limit, Slo
from twin.errors import ConfigError


def run(
    response_s: float = 0.1,
    *,
    count: int = 200,
    failed: int = 0,
    dropped: int = 0,
    lag_s: float = 0.001,
    cpu: float = 0.2,
) -> Recorder:
    """A run of 10 s with `count` answers and some failures."""
    recorder = Recorder(RunInfo("modbus", "host:1", "open", 20.0, "poisson", 1, 4, 5.0, 10.0, 0.0))
    for index in range(count + failed):
        at_s = index * 10 / (count + failed)
        recorder.record("read", at_s, at_s, at_s + response_s, "timeout" if index < failed else "")
    for _ in range(dropped):
        recorder.drop("read", 5.0, 5.0 + response_s)
    for _ in range(1000):
        recorder.lag.record(lag_s)
    recorder.cpu_share = cpu
    recorder.end_s = 10.0
    return recorder


def limits(**keys: float) -> Slo:
    return Slo(version=1, limit=[Limit(name="read", **keys)])


@pytest.mark.parametrize(
    ("recorder", "keys", "expected"),
    [
        (run(0.1), {"p99_s": 0.2}, "pass"),
        (run(0.1), {"p99_s": 0.1}, "pass"),
        (run(0.2001), {"p99_s": 0.2}, "breach"),
        (run(0.1), {"max_s": 0.05}, "breach"),
        (run(0.1), {"p50_s": 0.05}, "breach"),
        (run(0.1), {"p95_s": 0.05}, "breach"),
        (run(0.1), {"service_p99_s": 0.05}, "breach"),
        (run(), {"error_rate": 0.0}, "pass"),
        (run(failed=1), {"error_rate": 0.0}, "breach"),
        (run(dropped=1), {"error_rate": 0.0}, "breach"),
        (run(failed=1), {"error_rate": 0.01}, "pass"),
        (run(dropped=3), {"dropped_rate": 0.01}, "breach"),
        (run(dropped=1), {"dropped_rate": 0.01}, "pass"),
        (run(), {"throughput_min_per_s": 20.0}, "pass"),
        (run(), {"throughput_min_per_s": 20.1}, "breach"),
        (run(count=99), {"p99_s": 0.2}, "inconclusive"),
        (run(count=19), {"p95_s": 0.2}, "inconclusive"),
        (run(count=20), {"p95_s": 0.2}, "pass"),
        (run(lag_s=0.021), {"p99_s": 0.2}, "inconclusive"),
        (run(2.0, lag_s=0.021), {"p99_s": 0.2}, "inconclusive"),
        (run(cpu=0.96), {"p99_s": 0.2}, "inconclusive"),
    ],
)
def test_a_verdict_follows_from_the_numbers(
    recorder: Recorder, keys: dict[str, float], expected: str
) -> None:
    """Every kind of limit passes at its value, breaches beyond it, and needs enough samples."""
    verdict = slo.judge(recorder, limits(**keys))
    assert verdict.outcome == expected, verdict.reason
    assert verdict.exit_code == {"pass": 0, "breach": 99, "inconclusive": 2}[expected]


def test_a_starved_generator_blames_itself() -> None:
    """With its own clock late the gate says so and what to do, whatever the times were."""
    verdict = slo.judge(run(9.0, lag_s=0.5), limits(p99_s=0.2))
    assert verdict.outcome == "inconclusive"
    assert "the generator was starved" in verdict.reason
    assert "lower the rate" in verdict.reason


def test_a_generator_that_never_ticked_cannot_decide() -> None:
    """No health samples is no health."""
    recorder = run()
    recorder.lag = Recorder(recorder.info).lag
    assert slo.judge(recorder, limits(p99_s=1.0)).outcome == "inconclusive"


def test_a_name_that_never_came_is_not_a_pass() -> None:
    """A misspelt name in a limit is undecided and names the near one."""
    verdict = slo.judge(run(), Slo(version=1, limit=[Limit(name="raed", error_rate=0.0)]))
    assert verdict.outcome == "inconclusive"
    assert "never measured; did you mean 'read'?" in verdict.reason


def test_an_aborted_run_is_a_breach() -> None:
    """What was stopped early because it hurt has failed."""
    recorder = run()
    recorder.info.aborted = "aborted at 3 s: 9 of 9 arrivals failed"
    verdict = slo.judge(recorder, limits(p99_s=1.0))
    assert (verdict.outcome, verdict.exit_code) == ("breach", 99)
    junit = ET.fromstring(report.junit(recorder, verdict))
    assert junit.get("failures") == "1"


def test_all_arrivals_together_leave_steps_out() -> None:
    """The calls of a journey are no arrivals: counting them twice would thin the errors."""
    recorder = run(failed=20, count=80)
    for _ in range(900):
        recorder.record_step("call", 5.0, 5.0, 5.1)
    verdict = slo.judge(recorder, Slo(version=1, limit=[Limit(name="*", error_rate=0.1)]))
    assert verdict.checks[0].measured == pytest.approx(0.2)
    assert verdict.outcome == "breach"


def test_without_limits_generator_and_failures_are_judged() -> None:
    """No slo.toml: measured is a pass, starved is not, and neither is one failure in fifty."""
    assert slo.judge_without_limits(run(9.0)).outcome == "pass"
    assert slo.judge_without_limits(run(failed=2)).outcome == "pass"
    verdict = slo.judge_without_limits(run(count=196, failed=4))
    assert (verdict.outcome, verdict.exit_code) == ("breach", 99)
    assert "2.0% failed" in verdict.reason
    assert slo.judge_without_limits(run(lag_s=0.5)).outcome == "inconclusive"


GOOD = """
version = 1
warm_up_s = 2.0

[generator]
lag_p99_s = 0.05

[abort]
error_rate = 0.5

[[limit]]
name = "gate decision"
p99_s = 1.5
error_rate = 0.001
"""


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """Everything a limit file says arrives, with the defaults for the rest."""
    path = tmp_path / "slo.toml"
    path.write_text(GOOD)
    assert slo.load(path) == Slo(
        version=1,
        warm_up_s=2.0,
        generator=GeneratorLimits(lag_p99_s=0.05, cpu_max=0.95),
        abort=Abort(error_rate=0.5, window_s=5.0, count_min=20),
        limit=[Limit(name="gate decision", p99_s=1.5, error_rate=0.001)],
    )


def test_the_limits_of_the_documentation_are_valid(tmp_path: Path) -> None:
    """The example in docs/load.md can be copied as it is."""
    page = Path(__file__).parents[2].joinpath("docs/load.md").read_text(encoding="utf-8")
    path = tmp_path / "slo.toml"
    path.write_text(page.split("```toml\n")[1].split("```")[0])
    assert [limit.name for limit in slo.load(path).limit] == [
        "*", "gate decision", "POST /v1/releases",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p99_s = 1.5", "p99 = 1.5", r"slo.toml:13: limit.0.p99: unknown key"),
        ("p99_s = 1.5", "p99_s = 0", r"slo.toml:13: limit.0.p99_s: expected .* > 0"),
        ("p99_s = 1.5", 'p99_s = "1.5"', r"slo.toml:13: limit.0.p99_s: expected"),
        ("error_rate = 0.001", "error_rate = 5", r"slo.toml:14: limit.0.error_rate"),
        ("version = 1", "version = 2", r"slo.toml:2: version"),
        ("p99_s = 1.5\nerror_rate = 0.001", "", r"slo.toml:11: limit.0: limits nothing"),
        ("[[limit]]", "[[limit", r"slo.toml:11: .*not valid TOML"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """Unknown keys, wrong types and empty limits are errors with file, line and key."""
    path = tmp_path / "slo.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        slo.load(path)


def test_quick_refusals_do_not_pass_for_quick_answers() -> None:
    """Where not one answer was good, limits on times are breached, and so is a run without any."""
    refused = run(0.001, count=0, failed=200)
    verdict = slo.judge(refused, limits(p99_s=0.2))
    assert (verdict.outcome, verdict.exit_code) == ("breach", 99)
    assert "read: response p99: not one good answer" in verdict.reason
    assert slo.judge_without_limits(refused).outcome == "breach"


def test_an_empty_run_is_a_harness_error() -> None:
    """Nothing sent is neither pass nor breach."""
    with pytest.raises(LoadError, match="not one arrival was sent"):
        outcome.conclude(Recorder(run().info), None, None)


@pytest.mark.slow
def test_the_files_of_a_run_say_the_same(tmp_path: Path) -> None:
    """Result, verdict, JUnit and report are written, agree, and need no network."""
    recorder = run(0.3, failed=2)
    verdict = outcome.conclude(recorder, limits(p99_s=0.2, error_rate=0.0), tmp_path)
    assert verdict.outcome == "breach"
    assert Recorder.read(tmp_path).to_json() == recorder.to_json()
    junit = ET.fromstring((tmp_path / "junit.xml").read_bytes())
    assert (junit.get("tests"), junit.get("failures"), junit.get("errors")) == ("4", "2", "0")
    page = (tmp_path / "report.html").read_text()
    assert "breaks the limit 200 ms" in page
    assert "timeout × 2" in page
    # The plot library stands in the first script; what follows is ours and names no host.
    ours = page.split("</script>", 1)[1]
    assert "http://" not in ours
    assert "https://" not in ours


@pytest.mark.slow
def test_the_report_escapes_what_it_is_given(tmp_path: Path) -> None:
    """A target or failure text from outside cannot become markup."""
    recorder = run()
    recorder.info.target = "<script>alert(1)</script>"
    recorder.record("<b>x</b>", 9.0, 9.0, 9.1, "<i>bad</i>")
    outcome.conclude(recorder, None, tmp_path)
    page = (tmp_path / "report.html").read_text()
    for text in ("<script>alert(1)", "<b>x</b>", "<i>bad</i>"):
        assert text not in page


def test_the_table_shows_both_times_and_what_failed() -> None:
    """The terminal has response and service time side by side, and failures by kind."""
    recorder = run(0.3, failed=2)
    text = outcome.as_text(recorder, slo.judge(recorder, limits(p99_s=0.2)))
    assert "resp p50" in text
    assert "svc p50" in text
    assert "timeout × 2" in text
    assert "breach: read: response p99 300 ms breaks the limit 200 ms" in text


def test_the_example_is_one_to_begin_with() -> None:
    """examples/slo.toml is read, passes a quick run and is breached by a slow or a failing one."""
    limits = slo.load(Path(__file__).parents[2] / "examples/slo.toml")
    assert slo.judge(run(0.01, count=1000), limits).outcome == "pass"
    assert slo.judge(run(0.5, count=1000), limits).outcome == "breach"
    assert slo.judge(run(0.01, count=1000, failed=50), limits).outcome == "breach"
