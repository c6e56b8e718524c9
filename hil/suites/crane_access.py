"""A crane over OPC UA: who is let in, how many, what garbage does, and recovery."""

from __future__ import annotations

from typing import Any

from hil.errors import Unreachable
from hil.kits.crane import words
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .crane import first_problem, suite

NOISE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00" * 64,
    b"HELF\x08\x00\x00\x00",
    b"MSGF\xff\xff\xff\x7f" + bytes(20),
    b"HELF\xff\x00\x00\x00half",
)
"""A page, zeros, an empty hello, a chunk of 2 GiB, half a hello."""
SERVED_S = 2.0
"""How long everyone's reads may take while something is wrong with somebody else."""
TRY_S = 0.5
CUT_S = 3.0
KNOWN = ("mission.id", "mission.state", "hoist.load.mass", *words.LOCKS)


# ---------------------------------------------------------------- who


@suite.case()
async def users(session: CraneSession) -> None:
    """Wrong names and passwords, and nobody at all."""
    x = session.pixit
    for label, user, password in (
        ("wrong-1", x.user, x.password + "x"),
        ("wrong-2", f"not-{x.user}", x.password),
        ("wrong-3", x.user, ""),
        ("anonymous", "", ""),
    ):
        link = await session.wire.login(label, session.wire.own.but(user, password), finds=False)
        session.keep(link)
    session.keep(await session.wire.login("right", session.wire.own, finds=False))


def _logins(view: CraneView, prefix: str) -> list[str]:
    return [str(r.payload["status"]) for r in view.of("opc.login")
            if str(r.payload["label"]).startswith(prefix)]  # fmt: skip


@suite.judge("CRN-SEC-01", case="users")
def wrong_credentials_are_refused(view: CraneView) -> Finding:
    """All with one status."""
    wrong = _logins(view, "wrong")
    if len(wrong) < 3 or _logins(view, "right") != ["Good"]:
        return inconclusive("nobody tried, or the right user is not let in")
    if "Good" in wrong:
        which = ("a wrong password", "an unknown user", "an empty password")[wrong.index("Good")]
        return failed(f"{which} is let in")
    if not all(one.startswith("Bad") for one in wrong):
        return failed(f"refused without a status: {', '.join(wrong)}")
    return check(len(set(wrong)) == 1, wrong[0], f"told apart: {', '.join(wrong)}")


@suite.judge("CRN-SEC-02", case="users")
def nobody_comes_without_a_name(view: CraneView) -> Finding:
    """Anonymous clients are refused."""
    tried = _logins(view, "anonymous")
    if not tried or _logins(view, "right") != ["Good"]:
        return inconclusive("nobody tried, or the right user is not let in")
    return check(tried[0] != "Good", tried[0], "an anonymous client is let in")


@suite.case()
async def observer(session: CraneSession) -> None:
    """A user who may only look tries to order."""
    x = session.pixit
    link = await session.wire.login(
        "observer", session.wire.own.but(x.observer, x.observer_password)
    )
    if link is None:
        return
    session.keep(link)
    session.mark("begin")
    await link.show("seen", "mode", "gantry.plus")
    await link.call("order-1", "StartMission", "kit-o", x.box, x.from_place, x.to_place, x.mass_kg)
    await link.call("order-2", "SetMode", words.MANUAL)
    await link.call("order-3", "Stop")
    await link.write("order-4", "gantry.plus", words.Typed("Double", 50.0))
    await session.watch(1.0)
    session.mark("end")
    await link.show("after", "mode", "gantry.plus")


def _read(view: CraneView, label: str) -> dict[str, Any]:
    return {r.payload["point"]: r.payload["value"] for r in view.records_of("opc.read", label)}


@suite.judge("CRN-SEC-03", case="observer")
def an_observer_orders_nothing(view: CraneView) -> Finding:
    """Reads, and BadUserAccessDenied to all else."""
    if _logins(view, "observer") != ["Good"] or view.mark("end") is None:
        return inconclusive("the observer was not let in")
    answers = [r.payload for kind in ("opc.call", "opc.write") for r in view.of(kind)
               if r.payload["label"].startswith("order")]  # fmt: skip
    problems = [f"{a.get('method', a.get('point'))}: {a['status']}" for a in answers
                if a["status"] != "BadUserAccessDenied"]  # fmt: skip
    seen, after = _read(view, "seen"), _read(view, "after")
    if seen.get("mode") is None:
        problems.append("the mode is not readable")
    if seen != after:
        problems.append(f"{seen} has become {after}")
    problems.append(view.moved("begin", "end"))
    return first_problem(problems, f"{len(answers)} orders are denied")


@suite.case()
async def stranger(session: CraneSession) -> None:
    """A session that is not activated reads and orders."""
    main, link = session.link, await session.wire.stranger("stranger")
    if link is None:
        return
    session.keep(link)
    link.nodes = main.nodes
    session.mark("begin")
    for work in (link.show("stranger", "mode"), link.call("stranger", "SetMode", words.MANUAL)):
        try:
            await work
        except Unreachable:
            session.trace("wire", "opc.refused", label="stranger", status="closed")
    session.mark("asked")
    await session.watch(1.0)
    await main.show("after", "mode")


@suite.judge("CRN-SEC-04", case="stranger")
def nothing_before_activation(view: CraneView) -> Finding:
    """No value, no order."""
    if view.mark("asked") is None or not _read(view, "after"):
        return inconclusive("it was not tried")
    problems = []
    if any(value is not None for value in _read(view, "stranger").values()):
        problems.append("a value is read before the session is activated")
    answer = view.answer("stranger")
    if answer is not None and answer["status"] == "Good":
        problems.append("a method is called before the session is activated")
    if _read(view, "after").get("mode") != words.AUTOMATIC:
        problems.append("the order was carried out")
    return first_problem(problems, "neither value nor order")


@suite.case()
async def encrypted(session: CraneSession) -> None:
    """A client signs and encrypts."""
    link = await session.wire.login("secure", session.wire.own.by("Basic256Sha256"))
    if link is not None:
        session.keep(link)
        await link.show("secure", "mode", "hoist.place")
        await link.call("secure", "Reset")


@suite.judge("CRN-SEC-05", case="encrypted")
def sign_and_encrypt_works(view: CraneView) -> Finding:
    """A session, values, a call."""
    tried = _logins(view, "secure")
    if not tried:
        return inconclusive("nobody tried")
    if tried[0] != "Good":
        return failed(f"the client is not let in: {tried[0]}")
    answer, read = view.answer("secure"), _read(view, "secure")
    if answer is None or not read:
        return inconclusive("nothing was asked")
    if any(value is None for value in read.values()):
        return failed(f"read as {read}")
    return check(answer["status"] == "Good", "served", f"Reset: {answer['status']}")


# ---------------------------------------------------------------- how many


@suite.case(limit_s=300)
async def crowd(session: CraneSession) -> None:
    """All places are taken; one comes too many; one goes, and one comes again."""
    from hil.kits.crane.wire import drop  # asyncua is an extra

    links = []
    for number in range(session.pics.max_connections - 1):
        link = await session.wire.login(f"c{number}", session.wire.own, finds=False)
        session.keep(link)
        links.append(link)
    session.mark("crowded")
    session.keep(await session.wire.login("extra", session.wire.own, finds=False))
    for number, link in enumerate(links):
        if link is not None:
            await _ask(session, f"c{number}", link)
    await _ask(session, "main", session.link)
    session.mark("asked")
    if links[0] is not None:
        drop(links[0])
    await session.clock.sleep(1.0)
    session.keep(await session.wire.login("again", session.wire.own, finds=False))


async def _ask(session: CraneSession, label: str, link: Any) -> None:
    """Whether a client is served, and how soon."""
    begun = session.clock.now_s()
    try:
        served = await link.time_s() is not None
    except Unreachable:
        served = False
    session.trace("wire", "opc.served", label=label, served=served,
                  took_s=round(session.clock.now_s() - begun, 6))  # fmt: skip


@suite.judge("CRN-LNK-01", case="crowd")
def the_declared_number_is_served(view: CraneView) -> Finding:
    """That many, one more refused, a place becomes free."""
    tried, wanted = _logins(view, "c"), view.pics.max_connections
    if len(tried) < wanted - 1 or view.mark("asked") is None or not _logins(view, "again"):
        return inconclusive("not all clients came")
    if lost := [one for one in tried if one != "Good"]:
        return failed(f"only {1 + len(tried) - len(lost)} of {wanted} are let in: {lost[0]}")
    if _logins(view, "extra") == ["Good"]:
        return failed(f"number {wanted + 1} is let in")
    silent = [r.payload["label"] for r in view.of("opc.served") if not r.payload["served"]]
    if silent:
        return failed(f"{', '.join(silent)} lost their sessions when one more came")
    return check(_logins(view, "again") == ["Good"], f"{wanted} clients are served",
                 "the place of one who went stays taken")  # fmt: skip


@suite.case(limit_s=300)
async def noise(session: CraneSession) -> None:
    """Connections that send no OPC UA, and a client beside them."""
    session.mark("begin")
    for number, data in enumerate(NOISE):
        link = await session.wire.raw(f"noise-{number}")
        await link.send(data)
        await _ask(session, f"beside-{number}", session.link)
        await link.receive(0, session.pixit.garbage_s + 1.0)
        link.close()
    session.mark("over")


@suite.judge("CRN-LNK-02", case="noise")
def garbage_ends_its_own_connection(view: CraneView) -> Finding:
    """Each is ended in time; the client beside is served at once."""
    sent = [e for e in view.exchanges("noise") if e.sent]
    if len(sent) < len(NOISE) or view.mark("over") is None:
        return inconclusive("not everything was sent")
    ends = {r.payload["label"]: r.t_s for r in view.of("raw.end")}
    if left := [e.label for e in sent if e.label not in ends]:
        return failed(f"{left[0]} is kept open")
    slow = [r.payload["label"] for r in view.of("opc.served")
            if not r.payload["served"] or r.payload["took_s"] > SERVED_S]  # fmt: skip
    if slow:
        return failed(f"{slow[0]}: the client is not served within {SERVED_S:g} s")
    times = tuple(ends[e.label] - e.sent_s for e in sent)
    limit = at_most(view.pixit.garbage_s)
    measured = Measurement("ended after", max(times), "s", limit, 0.0, "simple", times)
    return decide("ended in time", "ended too late", measured)


# ---------------------------------------------------------------- recovery


@suite.case(roles=["ground"], limit_s=600)
async def lost_client(session: CraneSession) -> None:
    """The only client is cut off while its mission runs, and comes again."""
    session.mark("started")
    await session.start("mission")
    await session.watch(1.0)
    session.mark("cut")
    session.wire.close()
    await session.clock.sleep(CUT_S)
    session.mark("back")
    if await session.reconnect(10.0):
        session.mark("served")
        await session.link.show("after", "mission.id", "mission.state")
        await session.until_step(words.LOCK)
        session.mark("end")


@suite.judge("CRN-LNK-03", case="lost_client")
def a_lost_client_changes_nothing(view: CraneView) -> Finding:
    """The mission has gone on, and is shown."""
    answer = view.answer("mission")
    if answer is None or not answer["accepted"] or view.mark("back") is None:
        return inconclusive("no mission was under way")
    if view.mark("served") is None:
        return failed("the client is not let in again")
    after = _read(view, "after")
    if after.get("mission.state") != words.RUNNING:
        return failed(f"after the cut the mission is in state {after.get('mission.state')}")
    if view.mark("end") is None:
        return inconclusive("the mission was not followed")
    went = view.ever("mission.step", words.LOCK, "served") is not None
    return check(went, "the mission goes on", "the mission does not go on")


@suite.case(roles=["attendant", "ground"], limit_s=600)
async def restart(session: CraneSession) -> None:
    """A mission is stopped with a hanging load; the controller is restarted."""
    session.mark("started")
    await session.start("mission")
    await session.until_step(words.TO_SET)
    await session.call("stop", "Stop")
    await session.until_still()
    await session.clock.sleep(2.0)
    await session.link.show("before", *KNOWN)
    await session.look()
    session.mark("restarted")
    await session.hands("restart")
    await session.clock.sleep(TRY_S)
    session.wire.close()
    if await session.reconnect(2 * session.pixit.start_up_s + 5.0):
        session.mark("served")
        await session.link.show("after", *KNOWN)
        await session.watch(2.0)
        session.mark("end")


@suite.judge("CRN-REC-01", case="restart")
def it_serves_in_time(view: CraneView) -> Finding:
    """From the restart to the first session."""
    begun, served = view.mark("restarted"), view.mark("served")
    if begun is None:
        return inconclusive("it was not restarted")
    if served is None:
        return failed("nobody is let in after the restart")
    limit = at_most(view.pixit.start_up_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("start-up", served - begun, "s", limit, spread_s, "simple")
    return decide("serves in time", "serves too late", measured)


@suite.judge("CRN-REC-02", case="restart")
def it_knows_what_is_so(view: CraneView) -> Finding:
    """Mission, locks and load as before; nothing has moved."""
    before, after = _read(view, "before"), _read(view, "after")
    if not before.get("lock.1") or not after or view.mark("end") is None:
        return inconclusive("nothing hung before the restart, or nobody was let in after it")
    problems = [
        f"{point} was {value} and is {after.get(point)}" for point, value in before.items()
        if point != "hoist.load.mass" and after.get(point) != value
    ]  # fmt: skip
    mass, now = before["hoist.load.mass"], after.get("hoist.load.mass")
    if not isinstance(now, int | float) or abs(now - mass) > view.pixit.load_share * mass:
        problems.append(f"{mass} kg hung and {now} kg are told")
    way_m = view.way_m("restarted", "end")
    if way_m is not None and way_m > 0.005:
        problems.append(f"an axis has gone {way_m:.3f} m")
    return first_problem(problems, "as before")
