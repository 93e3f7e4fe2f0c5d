"""Rows about searches never seen before: each is one statement on PostgreSQL."""

import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from statistics import mean

from load.bench import programs, queries, wire, wrk
from load.bench.figures import Bar, Row, Run, Size, compared, cores, median_of_ratios, objection, verdict
from load.bench.queries import Kind, Query
from load.bench.rounds import Bench, Side, interleaved, typical
from load.bench.stage import Stage
from load.bench.wrk import Load

CONNECTIONS = 16
MOST_A_SECOND = 4_000
"""Queries made ready for a second of load; more than are asked."""
OF_THE_TWIN = 4_000
"""Queries that the bare program takes in turn: PostgreSQL keeps no answers."""
ALONE = 3  # rounds of one client
SAMPLE = 50
VARIES = 0.10  # of the bytes of an answer, on average
HALF, TWICE = Bar(0.50), Bar(2.0, " x p50", at_least=False)


def against_bare(kind: Kind) -> Callable[[str, Bench], Row]:
    """The row of a kind of search against asyncpg alone."""

    def row(what: str, bench: Bench) -> Row:
        stage, fresh = bench.stage, queries.ever_new(kind, Random(2))
        size = Size(mean(_sizes(stage, fresh)), VARIES)
        file = stage.folder / "queries"
        file.write_bytes(pickle.dumps([query.compiled() for query in islice(fresh, OF_THE_TWIN)]))
        rounds = interleaved(bench, _served(stage, fresh, CONNECTIONS), _bare(stage, CONNECTIONS))
        alone = interleaved(replace(bench, rounds=ALONE), _served(stage, fresh, 1), _bare(stage, 1))
        compared_row = compared(what, rounds, HALF, size, None)
        reference = [(theirs, mine) for mine, theirs in alone]
        return replace(
            compared_row,
            ours=f"{compared_row.ours}; one at a time {typical(alone)}",
            reference=f"{compared_row.reference}; one at a time {typical(reference)}",
        )

    return row


def at_scale(kind: Kind) -> Callable[[str, Bench], Row]:
    """The row of a kind of search on much data against the same on little, one at a time."""

    def row(what: str, bench: Bench) -> Row:
        assert bench.large
        fresh = queries.ever_new(kind, Random(3))
        sizes = [Size(mean(_sizes(stage, fresh)), VARIES) for stage in (bench.large, bench.stage)]
        rounds = interleaved(bench, _served(bench.large, fresh, 1), _served(bench.stage, fresh, 1))
        ratio = median_of_ratios((large.p50, small.p50) for large, small in rounds)
        return Row(
            what=what,
            ours=typical(rounds),
            reference=typical([(small, large) for large, small in rounds]),
            ratio=f"{ratio:.2f}",
            bar=str(TWICE),
            held=verdict(TWICE, ratio, objection(rounds, *sizes)),
            cores=f"large {cores([large for large, _ in rounds])}; small {cores([small for _, small in rounds])}",
            errors=str(sum(large.errors + small.errors for large, small in rounds)),
        )

    return row


def _sizes(stage: Stage, fresh: Iterator[Query]) -> list[int]:
    rng = Random(4)
    return [wire.get(stage.port, query.target(rng), stage.headers).size for query in islice(fresh, SAMPLE)]


def _served(stage: Stage, fresh: Iterator[Query], connections: int) -> Side:
    rng = Random(5)

    def side(seconds: float) -> Run:
        count = round(MOST_A_SECOND * seconds)
        load = Load([query.target(rng) for query in islice(fresh, count)], stage.headers, once=True)
        return wrk.run(stage.cores, stage.port, load, connections=connections, seconds=seconds)

    return side


def _bare(stage: Stage, tasks: int) -> Side:
    def side(seconds: float) -> Run:
        file = stage.folder / "queries"
        command = [sys.executable, "-m", "load.bench.bare", str(file), str(seconds), str(tasks)]
        found = programs.run(stage.cores, command, wrapper=stage.cores.on_server, environment=stage.environment)
        return replace(found, client=0.0)  # it is no client

    return side
