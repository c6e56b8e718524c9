"""Results as JUnit XML, for CI servers: one test case per requirement."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only writes, never parses
from collections.abc import Sequence

from .register import Register
from .verdict import Result, Verdict

_SKIPPED = {Verdict.NOT_APPLICABLE, Verdict.NOT_RUN}
_ERROR = {Verdict.ERROR, Verdict.INCONCLUSIVE}


def junit(results: Sequence[Result], register: Register, *, suite: str) -> bytes:
    """The XML. A failed SHOULD is reported as skipped with its text: it does not fail a build."""
    root = ET.Element("testsuites")
    body = ET.SubElement(root, "testsuite", name=suite)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for result in results:
        item = register[result.requirement]
        case = ET.SubElement(
            body, "testcase", classname=f"{suite}.{item.group}", name=f"{item.id} {item.title}"
        )
        counts["tests"] += 1
        verdict, text = result.verdict, f"{item.clause}: {result.text}"
        if verdict is Verdict.FAIL and item.level == "MUST":
            counts["failures"] += 1
            ET.SubElement(case, "failure", message=text)
        elif verdict in _ERROR:
            counts["errors"] += 1
            ET.SubElement(case, "error", message=f"{verdict.value}: {text}")
        elif verdict in _SKIPPED or verdict is Verdict.FAIL:
            counts["skipped"] += 1
            ET.SubElement(case, "skipped", message=f"{verdict.value}: {text}")
        if result.measurements:
            ET.SubElement(case, "system-out").text = "\n".join(map(str, result.measurements))
    for name, count in counts.items():
        body.set(name, str(count))
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml
