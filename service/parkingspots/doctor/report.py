"""What was found, for people and for programs."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parkingspots import __version__
from parkingspots.doctor.examining import Line
from parkingspots.doctor.finding import Finding, State

STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.SKIPPED: "dim"}
WIDTHS = 11, 23
"""Of a state and of a check's name."""
NARROW = 60
"""Columns of a terminal below which what a check says has lines of its own."""


def as_json(lines: Sequence[Line]) -> str:
    """The keys stay: docs/doctor.md has them."""
    counts = _counts(lines)
    checks = [
        {
            "group": line.group,
            "check": line.check,
            "state": line.finding.state,
            "says": line.finding.says,
            "mend": line.finding.mend,
        }
        for line in lines
    ]
    told = {
        "version": __version__,
        "ok": counts[State.FAIL] == 0,
        "counts": {str(each): counts[each] for each in State},
    }
    return json.dumps(told | {"checks": checks}, indent=2, ensure_ascii=False)


def show(lines: Sequence[Line], console: Console) -> None:
    """Group by group, each with what it says and how to mend it; then the sum."""
    for group, of_group in groupby(lines, key=lambda line: line.group):
        console.print(Text(group, style="bold"))
        for names, finding in _together(of_group):
            _show(console, names, finding)
    counts = _counts(lines)
    console.print(Text(", ".join(f"{counts[state]} {_counted(state)}" for state in State if counts[state]) + "."))


def _together(lines: Iterator[Line]) -> Iterator[tuple[str, Finding]]:
    """What was skipped for the same reason is told once."""
    for finding, same in groupby(lines, key=lambda line: line.finding):
        names = [line.check for line in same]
        if finding.state is State.SKIPPED:
            yield ", ".join(names), finding
        else:
            yield from ((name, finding) for name in names)


def _show(console: Console, names: str, finding: Finding) -> None:
    columns = [names, finding.says] if finding.state is not State.SKIPPED else [f"{names}: {finding.says}"]
    state = f"  {finding.state}"
    if console.is_terminal and console.width < NARROW:
        console.print(Text.assemble((f"{state:{WIDTHS[0]}}", STYLES[finding.state]), names))
        console.print(Padding(Text(finding.says), (0, 0, 0, 4)))
    elif console.is_terminal:
        table = Table.grid(padding=(0, 1, 0, 0))
        for width in WIDTHS[: len(columns)]:
            table.add_column(min_width=width, no_wrap=True)
        table.add_row(Text(state, style=STYLES[finding.state]), *map(Text, columns))
        console.print(table)
    else:
        row = "".join(f"{text:{width}}" for text, width in zip([state, *columns[:-1]], WIDTHS, strict=False))
        console.print(Text(f"{row}{columns[-1]}"), soft_wrap=True)
    if finding.mend is not None:  # on one line, however long, to be copied
        prompt = "" if finding.mend.startswith("https://") else "$ "
        console.print(Text(f"{'':{WIDTHS[0]}}{prompt}{finding.mend}", style="cyan"), soft_wrap=True)


def _counts(lines: Sequence[Line]) -> Counter[State]:
    return Counter(line.finding.state for line in lines)


def _counted(state: State) -> str:
    return {State.OK: "ok", State.WARN: "to look at", State.FAIL: "failed", State.SKIPPED: "skipped"}[state]
