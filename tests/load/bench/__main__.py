"""`make bench`: how near the product comes to what this machine can do, as one table.

Needs Linux, two cores and wrk. Exit code 0 when it ran, whatever the figures.
"""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from load.bench import machine, page
from load.bench.figures import Row, broken
from load.bench.rounds import Bench
from load.bench.rows import AT_SCALE, ROWS
from load.bench.stage import prepare, staged
from parkingspots.dev.failure import Failure

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"
SMALL, LARGE = (20_000, 200_000), (1_000_000, 10_000_000)  # spots, bookings
QUIET = 0.1

console = Console(width=170, highlight=False)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Of each row.")] = 7,
    seconds: Annotated[int, typer.Option(min=1, help="Of each program in a round.")] = 3,
    only: Annotated[str, typer.Option(help="Rows whose name has this.")] = "",
    large: Annotated[
        bool, typer.Option("--large", help="The rows at a million spots too: 12 GB, half an hour.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="Keeps the data for the next run.")] = None,
    trial: Annotated[bool, typer.Option("--trial", help="Leave docs/performance.md as it is.")] = False,
) -> None:
    """Measure, print the table and write it into docs/performance.md."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [name for name in ROWS if only in name and (large or name not in AT_SCALE)]
    if not wanted:
        there_are = "; ".join(ROWS)
        sys.exit(f"bench: no row has {only!r} in its name. There are: {there_are}. Those at a million need --large.")
    rows: list[Row] = []
    try:
        with _home(folder) as home, _bench(home, rounds, seconds, large=large and bool(AT_SCALE & {*wanted})) as bench:
            for name in wanted:
                console.print(f"{datetime.now(UTC):%H:%M:%S} {name}")
                rows.append(_measured(name, bench))
    except (Failure, OSError) as failure:
        sys.exit(f"bench: {failure}")
    finally:
        _show(rows, write=not trial)


def _measured(name: str, bench: Bench) -> Row:
    try:
        return ROWS[name](name, bench)
    except Exception as error:  # noqa: BLE001 - the other rows still count
        return broken(name, f"{type(error).__name__}: {error}")


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with TemporaryDirectory(prefix="bench-") as temporary:
        yield Path(temporary)


@contextmanager
def _bench(home: Path, rounds: int, seconds: int, *, large: bool) -> Iterator[Bench]:
    cores = machine.the_cores()
    if (busy := machine.busyness(cores)) > QUIET:
        console.print(f"Other programs use {busy:.0%} of the two cores: the figures will be noise.", style="red")
    sizes = {"small": SMALL} | ({"large": LARGE} if large else {})
    for name, (spots, bookings) in sizes.items():
        console.print(
            f"{datetime.now(UTC):%H:%M:%S} {spots:,} spots and {bookings:,} bookings, made where they are not there yet"
        )
        prepare(home / name, spots, bookings)
    cores.step_aside()
    machine.allow_many_files()
    with ExitStack() as stack:
        stages = [stack.enter_context(staged(home / name, cores)) for name in sizes]
        yield Bench(stages[0], stages[1] if large else None, rounds, seconds)


def _show(rows: Sequence[Row], *, write: bool) -> None:
    if not rows:
        return
    console.print(page.terminal(rows))
    if write:
        PAGE.write_text(page.replaced(PAGE.read_text(), rows, list(ROWS), datetime.now(UTC).date()))


if __name__ == "__main__":
    typer.run(main)
