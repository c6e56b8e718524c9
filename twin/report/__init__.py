"""What people see of a run: a table in the terminal, a folder, and a page for the browser.

``write_run`` fills a run folder (trace.parquet, kpis.json, verdicts.json, report.html),
``write_html`` writes the page alone, ``print_summary`` and ``print_judgement`` the tables. The page
needs no network and carries English, Vietnamese and Chinese.
"""

from __future__ import annotations

from twin.report.folder import write_run
from twin.report.page import write_html
from twin.report.terminal import print_judgement, print_summary

__all__ = ["print_judgement", "print_summary", "write_html", "write_run"]
