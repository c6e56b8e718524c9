"""Charts of a weighbridge's certificate: error against load, settling, creep and return to zero."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
from markupsafe import Markup

from hil.charts import chart, of_case
from twin.trace import Record

from .metrology import changes_at, mpe_kg
from .papers import WeighbridgePics, WeighbridgePixit
from .view import WeighbridgeView, Weighing

SETTLING_SHOWN_S = 5.0


def curves(records: Sequence[Record]) -> list[tuple[str, Markup]]:
    """What was recorded of the three, as title and SVG."""
    start = next((record.payload for record in records if record.kind == "certify.start"), None)
    if start is None:
        return []
    pics = msgspec.convert(start["pics"], WeighbridgePics)
    pixit = msgspec.convert(start["pixit"], WeighbridgePixit)
    found: list[tuple[str, Markup]] = []
    for case, title, draw in (
        ("weighing", "Error against load, and what is permitted", _errors),
        ("settling", "A load comes down: weight on the wire", _settling),
        ("creep", "Creep under load, and return to zero", _creep),
    ):
        seen = of_case(records, case)
        svg = draw(WeighbridgeView(seen, pics, pixit)) if seen else Markup("")
        if svg:
            found.append((title, svg))
    return found


def _errors(view: WeighbridgeView) -> Markup:
    zero = view.weighings("zero-before")
    if not zero:
        return Markup("")

    def line(prefix: str) -> list[tuple[float, float]]:
        """Tonnes and kilograms, by load."""
        weighings = sorted(view.weighings(prefix), key=lambda weighing: weighing.mass_kg)
        return [(w.mass_kg / 1000, w.error_kg - zero[-1].error_kg) for w in weighings]

    pics = view.pics
    edges = [0.0, *changes_at(pics.max_kg, pics.e_kg, pics.accuracy_class), pics.max_kg]
    limits = []
    for low, high in pairwise(edges):
        permitted = mpe_kg(high, pics.e_kg, pics.accuracy_class)
        for sign, name in ((1, f"+{permitted:g}"), (-1, f"-{permitted:g}")):
            limits.append((name, sign * permitted, low / 1000, high / 1000))
    return chart(
        [("rising loads", line("up-")), ("falling loads", line("down-"))], "t", "kg", limits
    )


def _settling(view: WeighbridgeView) -> Markup:
    dropped_s = view.mark("dropped")
    if dropped_s is None:
        return Markup("")
    moving: list[tuple[float, float]] = []
    settled: list[tuple[float, float]] = []
    for state in view.states_between("dropped", "over"):
        t_s = state.t_s - dropped_s
        if t_s <= SETTLING_SHOWN_S:
            place = (t_s, float(state.values["shown_kg"]) / 1000)
            (moving if state.values["motion"] else settled).append(place)
    return chart([("in motion", moving), ("settled", settled)], "s", "t", [])


def _creep(view: WeighbridgeView) -> Markup:
    loads, zeros = view.weighings("creep-"), view.weighings("zero-")
    if not loads or len(zeros) < 2:
        return Markup("")
    begin_s = view.steps[0].t_s

    def line(weighings: Sequence[Weighing]) -> list[tuple[float, float]]:
        """Minutes, and kilograms since the first of them."""
        first_kg = weighings[0].error_kg
        return [((_at_s(view, w) - begin_s) / 60, w.error_kg - first_kg) for w in weighings]

    half_e = view.e_kg / 2
    end = max(x for x, _ in line(zeros))
    limits = [("+0.5 e", half_e, 0.0, end), ("-0.5 e", -half_e, 0.0, end)]
    load_t = loads[0].mass_kg / 1000
    return chart([(f"with {load_t:g} t", line(loads)), ("zero", line(zeros))], "min", "kg", limits)


def _at_s(view: WeighbridgeView, weighing: Weighing) -> float:
    return next(step.t_s for step in view.steps if step.name == weighing.name)
