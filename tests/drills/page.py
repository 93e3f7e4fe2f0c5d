"""What fires when, as a table between two marks in docs/operations.md."""

import re
from collections.abc import Iterable, Sequence

from drills.drill import Outcome
from drills.hurried import Hurry, words
from drills.sight import Row, told

COLUMNS = ("fault", "alert", "fires after: promised, measured", "panel", "the runbook's first query shows")
START, END = "<!-- drills: written by make drills -->\n", "<!-- end of drills -->"
BLOCK = re.compile(f"{re.escape(START)}(.*?){re.escape(END)}", re.DOTALL)


def replaced(page: str, outcomes: Sequence[Outcome], order: Sequence[str], hurry: Hurry) -> str:
    """The page with the outcomes in its table; what was not drilled this time keeps the row that it had.

    `order` names the faults from top to bottom; a row that it does not know goes. Raises ValueError without a block.
    """
    block = BLOCK.search(page)
    if block is None:
        raise ValueError(f"the page lacks {START.strip()} and {END}")
    lines = _lines(block[1]) | {outcome.drill.fault: _line(cells(outcome, hurry)) for outcome in outcomes}
    table = [_line(COLUMNS), "|---" * len(COLUMNS) + "|", *(lines[fault] for fault in order if fault in lines)]
    return page[: block.start(1)] + "\n".join(table) + "\n" + page[block.end(1) :]


def cells(outcome: Outcome, hurry: Hurry) -> Iterable[str]:
    drill = outcome.drill
    labels = ", ".join(value for name, value in sorted(drill.rule["labels"].items()) if name in {"severity", "window"})
    measured = "not at all" if outcome.fired_after is None else f"{outcome.fired_after:.1f} s"
    return (
        drill.fault,
        f"[{drill.alert}](runbooks/{drill.alert}.md) ({labels})",
        f"{words(drill.promised())}; {measured} of {outcome.allowed:.1f} s at 1/{hurry.factor:g}",
        f"{drill.panel.name}: {_first(outcome.panel)}",
        _first(outcome.cause),
    )


def _first(rows: Sequence[Row]) -> str:
    """The largest; a table has no room for all."""
    return told(max(rows, key=lambda row: row[1])) if rows else "nothing"


def _lines(block: str) -> dict[str, str]:
    return {line.split("|")[1].strip(): line for line in block.splitlines() if line.startswith("| ")}


def _line(found: Iterable[str]) -> str:
    return f"| {' | '.join(found)} |"
