"""Drives a suite on a session and records; then judges the record. Two halves that share a trace.

Retry policy: a case whose start position could not be reached is tried once more, because nothing
was judged yet. A judged step is never repeated. Two start positions missed in a row mean that the
strategy is broken: the remaining cases are recorded as skipped and their verdict is ERROR.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec

from twin.errors import GateTwinError
from twin.trace import Record

from .errors import BenchError, Unreachable
from .papers import Pics, Pixit, Product, redacted
from .register import Register, Requirement
from .session import Session
from .suite import Case, Suite
from .verdict import Finding, Result, Verdict

AnySession = Session[Any, Any]
AnySuite = Suite[Any, Any]

READY_TRIES = 2

JUDGE_VERSION = "1.0"
"""Version of the rules in the views and the judges; separate from the suite and the register."""


def select(register: Register, pics: Pics) -> list[str]:
    """Ids of the requirements that the PICS makes applicable and that can be tested."""
    values = pics.values()
    return [item.id for item in register if item.applies(values) and not item.not_testable]


Progress = Callable[[str, float], None]
"""Told what begins, and which share of the run is done: 0 to 1, by the limits of its cases."""


def untold(_text: str, _done: float) -> None:
    """Tell nobody."""


async def drive(
    session: AnySession,
    suite: AnySuite,
    register: Register,
    *,
    product: Product | None = None,
    only: Iterable[str] | None = None,
    progress: Progress = untold,
) -> None:
    """Run every case that the PICS selects and leave the device in its safe state.

    `only` narrows the selection to some requirements; a run that is narrowed never certifies,
    because what was left out stays NOT_RUN.
    """
    selected = select(register, session.pics)
    wanted = selected if only is None else [one for one in selected if one in set(only)]
    session.trace(
        "run",
        "certify.start",
        device=suite.device,
        suite=suite.version,
        register=register.version,
        judge=JUDGE_VERSION,
        pics=session.pics.values(),
        pixit=redacted(session.pixit),
        product=msgspec.structs.asdict(product) if product else {},
        selected=selected,
    )
    try:
        await _cases(session, suite, wanted, product, progress)
    finally:
        # Also on Ctrl-C and on a crash: nobody leaves a bench half-way.
        await _to_the_end(_leave(session, progress))


async def _leave(session: AnySession, progress: Progress) -> None:
    reached = await session.safe()
    session.disconnect()
    session.trace("run", "certify.end", safe=reached)
    progress(f"safe state: {session.safe_text}" if reached else session.unsafe_text, 1.0)


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` even if we are cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


async def _cases(
    session: AnySession,
    suite: AnySuite,
    wanted: Sequence[str],
    product: Product | None,
    progress: Progress,
) -> None:
    cases = suite.cases_of(wanted)
    cases.sort(key=lambda case: case.name != suite.first)  # stable: only the first one moves
    missed = 0
    all_s = sum(case.limit_s for case in cases)
    for number, case in enumerate(cases):
        if missed >= READY_TRIES:
            session.trace(
                "case",
                "case.skipped",
                case=case.name,
                reason="the start position was missed twice; the strategy is broken",
            )
            continue
        done = sum(case.limit_s for case in cases[:number]) / all_s
        progress(f"{number + 1}/{len(cases)} {case.name}: {case.doc}", done)
        begun = len(session.trace)
        missed = 0 if await _run_case(session, case, product) else READY_TRIES
        if number == 0 and case.name == suite.first and suite.declaration in wanted:
            records = list(session.trace.records())[begun:]
            first = _judge_case(suite, suite.declaration, records, session.pics, session.pixit)
            if first.verdict is Verdict.FAIL:
                session.trace(
                    "run",
                    "certify.refused",
                    reason="the PICS is not true, so it cannot select tests",
                )
                return


async def _run_case(session: AnySession, case: Case, product: Product | None) -> bool:
    """Run one case; False if its start position could not be reached."""
    missing = session.missing(case.roles)
    if missing:
        session.trace(
            "case",
            "case.skipped",
            case=case.name,
            reason=f"nobody plays the role {', '.join(missing)}; bind it in bench.toml",
        )
        return True
    for attempt in range(READY_TRIES):
        session.trace(
            "case",
            "case.begin",
            case=case.name,
            attempt=attempt,
            text=case.doc,
            **session.instruments(),
            firmware=product.firmware if product else "",
        )
        try:
            await session.ready(case.start)
        except BenchError as error:
            session.disconnect()
            session.trace("case", "case.end", case=case.name, how="not ready", detail=str(error))
            continue
        how, detail = await _body(session, case)
        session.trace("case", "case.end", case=case.name, how=how, detail=detail)
        return True
    return False


async def _body(session: AnySession, case: Case) -> tuple[str, str]:
    try:
        async with asyncio.timeout(case.limit_s):
            await case.body(session)
    except Unreachable as error:
        return "unreachable", str(error)
    except TimeoutError:
        return "error", f"the case did not end within {case.limit_s:g} s"
    except GateTwinError as error:
        return "error", str(error)
    except Exception as error:  # noqa: BLE001 - a broken test must not look like a broken device
        return "error", f"{type(error).__name__}: {error}"
    return "done", ""


# ---------------------------------------------------------------- the judging half: pure functions


def judge(records: Sequence[Record], suite: AnySuite, register: Register) -> list[Result]:
    """A result for each requirement of the register, from the record alone."""
    start = next((r.payload for r in records if r.kind == "certify.start"), None)
    if start is None:
        raise BenchError("this trace has no certify.start record; it is not of a certification run")
    pics = msgspec.convert(start["pics"], suite.pics)
    pixit = msgspec.convert(start["pixit"], suite.pixit)
    attempts = _attempts(records)
    skipped = {r.payload["case"]: r.payload["reason"] for r in records if r.kind == "case.skipped"}
    return [_result(item, suite, pics, pixit, attempts, skipped) for item in register]


def _attempts(records: Sequence[Record]) -> dict[str, list[list[Record]]]:
    found: dict[str, list[list[Record]]] = {}
    open_case: list[Record] | None = None
    for record in records:
        if record.kind == "case.begin":
            open_case = []
            found.setdefault(record.payload["case"], []).append(open_case)
        if open_case is not None:
            open_case.append(record)
        if record.kind == "case.end":
            open_case = None
    return found


def _result(
    item: Requirement,
    suite: AnySuite,
    pics: Pics,
    pixit: Pixit,
    attempts: dict[str, list[list[Record]]],
    skipped: dict[str, str],
) -> Result:
    def result(verdict: Verdict, text: str, **more: Any) -> Result:
        return Result(item.id, item.level, verdict, text, marginal=item.marginal, **more)

    if not item.applies(pics.values()):
        return result(Verdict.NOT_APPLICABLE, f"the PICS excludes it: {item.applies_if}")
    if item.not_testable:
        return result(Verdict.NOT_APPLICABLE, f"not testable: {item.not_testable}")
    if item.id not in suite.judges:
        return result(Verdict.NOT_RUN, "no test is written yet")
    case = suite.judges[item.id][0]
    if case not in attempts:
        if case in skipped:
            return result(Verdict.ERROR, skipped[case], case=case)
        return result(Verdict.NOT_RUN, "its case was not run", case=case)
    findings = [_judge_case(suite, item.id, tries, pics, pixit) for tries in attempts[case]]
    # Sticky: a FAIL in any attempt stays, whatever a later attempt says.
    final = next((f for f in findings if f.verdict is Verdict.FAIL), findings[-1])
    return result(
        final.verdict,
        final.text,
        measurements=final.measurements,
        case=case,
        attempts=tuple(finding.verdict for finding in findings),
    )


def _judge_case(
    suite: AnySuite, id: str, records: Sequence[Record], pics: Pics, pixit: Pixit
) -> Finding:
    """The finding on one attempt."""
    end = records[-1]
    how = end.payload["how"] if end.kind == "case.end" else "torn"
    detail = end.payload.get("detail", "") if end.kind == "case.end" else "the record ends here"
    if how in ("error", "not ready", "torn"):
        return Finding(Verdict.ERROR, detail)
    try:
        finding = suite.judges[id][1](suite.view(records, pics, pixit))
    except Exception as error:  # noqa: BLE001 - a broken judge is the harness's fault
        return Finding(Verdict.ERROR, f"judge: {type(error).__name__}: {error}")
    if how == "unreachable" and finding.verdict is not Verdict.FAIL:
        # The wire died and nothing that was recorded is wrong: bench or device, nobody knows.
        return Finding(Verdict.ERROR, detail)
    return finding
