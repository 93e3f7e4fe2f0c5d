"""What the bench has found: the ratio of two programs over interleaved rounds, and whether it may be believed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

BUSY = 0.95
"""Of its core: a load client above this may be what was measured."""


@dataclass(frozen=True)
class Run:
    """What one program did under load for some seconds: answers a second, milliseconds, shares of a core."""

    rate: float
    p50: float
    p95: float
    p99: float
    size: float
    """Bytes of an answer, on average."""
    errors: int = 0
    server_core: float = 0.0
    client_core: float = 0.0
    client: float = 0.0
    """What the load client itself had of its core; the servers behind the API are there too."""
    complaint: str = ""
    """Why the run proves nothing, where the client can tell."""


@dataclass(frozen=True)
class Size:
    """What an answer should weigh in bytes, and by which part it may differ."""

    expected: float
    tolerance: float = 0.02

    def fits(self, size: float) -> bool:
        return abs(size - self.expected) <= self.expected * self.tolerance


@dataclass(frozen=True)
class Bar:
    """What a figure must reach, or stay below."""

    figure: float
    unit: str = ""
    at_least: bool = True

    def holds(self, figure: float) -> bool:
        return figure >= self.figure if self.at_least else figure <= self.figure

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.figure:g}{self.unit}"


@dataclass(frozen=True)
class Row:
    """A line of the table; all of it is text."""

    what: str
    ours: str
    reference: str
    ratio: str
    bar: str
    held: str
    cores: str = "-"
    errors: str = "0"

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.what, self.ours, self.reference, self.ratio, self.bar, self.held, self.cores, self.errors)


Rounds = Sequence[tuple[Run, Run]]
"""Of each round: ours, then the reference, measured one right after the other."""


def median_of_ratios(pairs: Iterable[tuple[float, float]]) -> float:
    """The median over rounds of ours to the reference; 0 where the reference did nothing in some round."""
    return median(ours / reference if reference else 0.0 for ours, reference in pairs)


def void(run: Run, size: Size | None) -> str:
    """Why the run proves nothing, or nothing."""
    if run.errors:
        return f"{run.errors} errors{f' ({run.complaint})' if run.complaint else ''}"
    if run.complaint:
        return run.complaint
    if size and not size.fits(run.size):
        return f"answers of {run.size:,.0f} B, not {size.expected:,.0f} B"
    if run.client > BUSY:
        return f"the load client had {run.client:.0%} of its core"
    return ""


def objection(rounds: Rounds, ours: Size | None, reference: Size | None) -> str:
    """Why the rounds prove nothing, or nothing."""
    reasons = (void(mine, ours) or void(theirs, reference) for mine, theirs in rounds)
    return next(filter(None, reasons), "")


def verdict(bar: Bar, figure: float, reason: str = "") -> str:
    if reason:
        return f"void: {reason}"
    return "held" if bar.holds(figure) else "missed"


def compared(what: str, rounds: Rounds, bar: Bar, ours: Size | None, reference: Size | None) -> Row:
    """The row of a rate against another's."""
    ratio = median_of_ratios((mine.rate, theirs.rate) for mine, theirs in rounds)
    mine, theirs = zip(*rounds, strict=True)
    return Row(
        what=what,
        ours=f"{median(run.rate for run in mine):,.0f}/s",
        reference=f"{median(run.rate for run in theirs):,.0f}/s",
        ratio=f"{ratio:.2f}",
        bar=str(bar),
        held=verdict(bar, ratio, objection(rounds, ours, reference)),
        cores=f"ours {cores(mine)}; reference {cores(theirs)}",
        errors=str(sum(run.errors for run in (*mine, *theirs))),
    )


def cores(runs: Sequence[Run]) -> str:
    """The median shares of the server's core, of the client's core, and of the latter by the client itself."""
    server, other, client = (
        median(getattr(run, name) for run in runs) for name in ("server_core", "client_core", "client")
    )
    return f"{server:.0%}, {other:.0%} ({client:.0%} the client)"


def broken(what: str, why: str) -> Row:
    return Row(what, "-", "-", "-", "-", f"void: {why}", errors="-")


def not_run(what: str, bar: str, why: str) -> Row:
    return Row(what, "-", "-", "-", bar, f"not run: {why}", errors="-")
