"""The table of figures: in the terminal, and between two marks in docs/performance.md."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from rich.table import Table

from load.bench.figures import Row

COLUMNS = (
    *("what", "ours", "reference", "ratio", "bar", "held?"),
    *("server's core, client's core", "errors", "measured"),
)
START, END = "<!-- bench: written by make bench -->\n", "<!-- end of bench -->"
BLOCK = re.compile(f"{re.escape(START)}(.*?){re.escape(END)}", re.DOTALL)
ENDS_A_CELL = re.compile(r"[|\s]+")
FLAWED = re.compile("missed|void")


def terminal(rows: Iterable[Row]) -> Table:
    table = Table(*COLUMNS[:-1])
    for row in rows:
        style = "red" if FLAWED.match(row.held) else "green" if row.held == "held" else "dim"
        table.add_row(*row.cells, style=style)
    return table


def replaced(page: str, rows: Sequence[Row], order: Sequence[str], on: date) -> str:
    """The page with the rows in its block; what was not measured this time keeps the row that it had.

    `order` names the rows from top to bottom; a row that it does not know goes. Raises ValueError without a block.
    """
    block = BLOCK.search(page)
    if block is None:
        raise ValueError(f"the page lacks {START.strip()} and {END}")
    lines = _lines(block[1]) | {row.what: _line((*row.cells, on.isoformat())) for row in rows if _is_measured(row)}
    table = [_line(COLUMNS), "|---" * len(COLUMNS) + "|", *(lines[name] for name in order if name in lines)]
    return page[: block.start(1)] + "\n".join(table) + "\n" + page[block.end(1) :]


def _is_measured(row: Row) -> bool:
    return not row.held.startswith("not run")


def _lines(block: str) -> dict[str, str]:
    return {line.split("|")[1].strip(): line for line in block.splitlines() if line.startswith("| ")}


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(ENDS_A_CELL.sub(' ', cell) for cell in cells)} |"
