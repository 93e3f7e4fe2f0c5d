"""The row about 2,500 connections that each ask once a second."""

import sys
from statistics import median

from load.bench import programs, wire, wrk
from load.bench.cached import CONNECTIONS, the_search
from load.bench.figures import Bar, Row, Size, cores, not_run, verdict, void
from load.bench.machine import allow_many_files
from load.bench.rounds import Bench

CROWD = 2_500
SECONDS = 15
BAR = Bar(5, " x p50 of 64", at_least=False)


def keep_alive(what: str, bench: Bench) -> Row:
    """The crowd's p99 against the median of wrk's 64 connections that ask again at once."""
    if not allow_many_files():
        return not_run(what, str(BAR), "raise `ulimit -n`")
    stage, asked = bench.stage, the_search(bench.stage)
    few = [
        wrk.run(stage.cores, stage.port, asked.load, connections=CONNECTIONS, seconds=bench.seconds) for _ in range(3)
    ]
    file = stage.folder / "request"
    file.write_bytes(wire.request(stage.port, asked.load.targets[0], asked.load.headers))
    command = [sys.executable, "-m", "load.bench.keep_alive", *map(str, (stage.port, file, CROWD, SECONDS))]
    many = programs.run(stage.cores, command)
    p50 = median(run.p50 for run in few)
    size = Size(asked.answer.size)
    return Row(
        what=what,
        ours=f"{many.rate:,.0f}/s; p50 {many.p50:.1f} ms, p99 {many.p99:.1f} ms",
        reference=f"64 connections: p50 {p50:.1f} ms",
        ratio=f"{many.p99 / p50:.2f}",
        bar=str(BAR),
        held=verdict(BAR, many.p99 / p50, void(many, size) or next(filter(None, (void(run, size) for run in few)), "")),
        cores=cores([many]),
        errors=str(many.errors),
    )
