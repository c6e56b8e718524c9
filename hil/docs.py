"""The requirement registers as pages: `python -m hil.docs` writes docs/requirements-*.md."""

from __future__ import annotations

import sys
from pathlib import Path

from . import kit as kits


def page(device: str) -> str:
    """The page of one device as Markdown."""
    kit = kits.load(device)
    register, suite = kit.register, kit.suite
    killers = {variant.kills: variant for variant in kit.mutants}
    counted = f"Version {register.version}, {len(register)} requirements"
    lines = [
        f"# Requirements for a {device.replace('-', ' ')}",
        "",
        "<!-- Made by `python -m hil.docs`; a test keeps it so. Change the register instead. -->",
        "",
        f"{counted}; how they are tested: [certification](certification.md).",
        "",
        "| source | document |",
        "|---|---|",
        *(f"| {name} | {text} |" for name, text in register.sources.items()),
    ]
    for group, words in register.groups.items():
        lines += ["", f"## {words['en']} · {words['vi']} · {words['zh']}"]
        for item in register:
            if item.group != group:
                continue
            killer = killers.get(item.id)
            lines += ["", f"### {item.id} · {item.title}", "", f"**{item.level}** {item.text}", ""]
            lines += [
                f"*{item.rationale}*",
                "",
                f"- Clause: {item.clause}; seen by: {item.observe}",
            ]
            if item.applies_if:
                lines.append(f"- Applies if the PICS says `{item.applies_if}`")
            if item.id in suite.judges:
                lines.append(f"- Case: `{suite.judges[item.id][0]}`")
            if killer is not None:
                lines.append(f"- Mutant: `{killer.name}`: {killer.doc}")
            if item.not_testable:
                lines.append(f"- Not tested: {item.not_testable}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pages into the folder given, or into docs."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for device in kits.names():
        (folder / f"requirements-{device}.md").write_text(page(device), encoding="utf-8")


if __name__ == "__main__":
    main()
