"""The certificate as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from twin.trace import Record

from .charts import gauge
from .register import Register
from .verdict import Outcome, Result, Verdict

WORDS = {
    "title": ("Device certification", "Chứng nhận thiết bị", "设备认证"),
    "certified": ("Certified", "Đạt chứng nhận", "通过认证"),
    "failed": ("Not certified", "Không đạt", "未通过"),
    "open": ("Inconclusive", "Chưa kết luận", "无结论"),
    "why": ("Why", "Lý do", "原因"),
    "product": ("Device under test", "Thiết bị được thử", "受测设备"),
    "summary": ("Summary", "Tóm tắt", "概要"),
    "measurements": ("Measurements", "Kết quả đo", "测量结果"),
    "curves": ("Curves", "Đồ thị", "曲线"),
    "requirements": ("Requirements", "Yêu cầu", "要求"),
    "bench": ("Bench and instruments", "Bàn thử và dụng cụ", "试验台与仪器"),
    "declared": ("Declared by the vendor", "Nhà cung cấp khai báo", "供应商声明"),
    "evidence": ("Evidence", "Chứng cứ", "证据"),
}


def render(
    *,
    outcome: Outcome,
    results: Sequence[Result],
    register: Register,
    records: Sequence[Record],
    product: Mapping[str, Any],
    pics: Mapping[str, Any],
    pixit: Mapping[str, Any],
    about: Mapping[str, Any],
    instruments: Sequence[Mapping[str, Any]],
    curves: Sequence[tuple[str, Markup]] = (),
) -> bytes:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hil", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    state = {Verdict.PASS: "certified", Verdict.FAIL: "failed"}.get(outcome.verdict, "open")
    groups = [
        (
            group,
            words,
            [
                (register[r.requirement], r)
                for r in results
                if register[r.requirement].group == group
            ],
        )
        for group, words in register.groups.items()
    ]
    page = environment.get_template("report.html.j2").render(
        words=WORDS,
        state=state,
        outcome=outcome,
        groups=groups,
        register=register,
        product=product,
        pics=pics,
        pixit=pixit,
        about=about,
        instruments=instruments,
        rates=rates(results, register),
        gauge=gauge,
        curves=curves,
        measured=[(register[r.requirement], r, m) for r in results for m in r.measurements],
        answers=[r.payload for r in records if r.source == "operator" and r.kind == "reply"],
    )
    return page.encode("utf-8")


def rates(results: Sequence[Result], register: Register) -> dict[str, tuple[int, int]]:
    """Passed of judged, apart for right and for wrong input: kits that only report the sum hide
    that wrong input is where products fail."""
    found = {"positive": (0, 0), "negative": (0, 0)}
    for result in results:
        if result.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            continue
        name = "negative" if register[result.requirement].negative else "positive"
        good, all_ = found[name]
        found[name] = good + (result.verdict in (Verdict.PASS, Verdict.MARGINAL)), all_ + 1
    return found
