"""docs/reliability.md: a row a scenario."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

HEAD = """# Reliability
What was done to the product, what it promises then, and what was measured.
`make reliability` writes this page, and `RELIABILITY=1 make e2e` what is measured on a cluster; nothing here is written
by hand. Latencies are those of a machine with two cores that PostgreSQL, Valkey and the clients share with the product.

The command under *again* writes its row anew; with `--short` it takes seconds and leaves the page alone, and so does
`make soak`. Rows of a cluster want one with `make cluster addons`. A whole run takes about an hour on Linux, half of it
the soak, and some thousand open files. Three scenarios want what not every machine has, and are left out without it:
`disk-full` root, `names-lost` a C compiler, `clock-set` Debian's package libfaketime.

After each run the database is held against what clients were told: every booking that was acknowledged is there once,
no slot has two holders, the ledger adds up to zero, counters equal their sources, and no answer was older than its
bound: a second, but for what is served past its time and says so by `Age`. A request that got no answer is sent again,
a booking with the same `Idempotency-Key`. What *failed* got no answer or a 5xx: 503 with `Retry-After` is allowed where
the promise says so, and counts against the [objectives](slo.md) all the same. Nothing is paid in these runs: what
becomes of money while Stripe is away, and of a process that is killed at each step of a payment, is tested by
`tests/payments`.
"""
COLUMNS = ("scenario", "promised", "measured", "held", "on", "again")


@dataclass(frozen=True)
class Result:
    """What is kept of a scenario."""

    name: str
    group: str
    promised: str
    measured: str
    held: bool
    command: str
    day: str


def written(results: Sequence[Result]) -> str:
    """The whole page; `results` are in the order of groups."""
    parts = [HEAD]
    for group, rows in groupby(results, key=lambda each: each.group):
        table = [_line(COLUMNS), "|---" * len(COLUMNS) + "|", *map(_row, rows)]
        parts.append(f"\n## {group}\n" + "\n".join(table) + "\n")
    return "".join(parts)


def _row(row: Result) -> str:
    held = "yes" if row.held else "**no**"
    return _line((row.name, row.promised, row.measured, held, row.day, f"`{row.command}`"))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
