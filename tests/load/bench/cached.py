"""Rows about answers that are cached: a search, a spot, and 304."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from random import Random

from load.bench import queries, wire, wrk
from load.bench.figures import Bar, Row, Run, Size, compared
from load.bench.rounds import Bench, Side, interleaved
from load.bench.stage import Stage, api, raw_twin, uncounted_twin
from load.bench.wire import Answer
from load.bench.wrk import Load
from parkingspots.dev.failure import Failure

CONNECTIONS = 64
BODY = 6_400  # bytes
MOST_ROWS = 30
SPELLINGS = 500
"""Orders of the same parameters."""
NEAR_THE_SERVER, NEAR_THE_SPOT, AS_UNCOUNTED = Bar(0.60), Bar(1.0), Bar(0.92)
UNTIL_AT_HAND = 3
"""Times that something is asked for until it is kept, shared, and answered by the shortest way, with fewer headers."""
PAIRS = 5
SLACK = 0.05  # of a small answer's bytes: an age has one digit or three


@dataclass(frozen=True)
class Asked:
    """Targets that all have the same answer."""

    load: Load
    answer: Answer


def cached_search(what: str, bench: Bench) -> Row:
    asked = the_search(bench.stage)
    row = _against_raw(what, bench, asked)
    return replace(row, ours=f"{row.ours} of {len(asked.answer.body):,} B")


def cached_spot(what: str, bench: Bench) -> Row:
    asked = _the_spot(bench.stage)
    row = _against_raw(what, bench, asked)
    return replace(row, ours=f"{row.ours} of {len(asked.answer.body):,} B")


def not_modified(what: str, bench: Bench) -> Row:
    stage = bench.stage
    spot = _the_spot(stage)
    headers = {**stage.headers, "If-None-Match": spot.answer.header("etag")}
    known = _asked(stage, spot.load.targets, headers, status=304)
    rounds = interleaved(bench, _side(stage, stage.port, known.load), _side(stage, stage.port, spot.load))
    return compared(what, rounds, NEAR_THE_SPOT, Size(known.answer.size, SLACK), Size(spot.answer.size))


def counted_spot(what: str, bench: Bench) -> Row:
    """What counting costs where an answer costs least.

    Between processes that have just started, several of them: two of the same program differ by as much.
    """
    stage, asked = bench.stage, _the_spot(bench.stage)
    few, rounds = replace(bench, rounds=ceil(bench.rounds / PAIRS)), list[tuple[Run, Run]]()
    for _ in range(PAIRS):
        with api(stage.cores, stage.folder, stage.environment) as ours, uncounted_twin(stage) as twin:
            rounds += interleaved(few, _side(stage, ours.port, asked.load), _side(stage, twin.port, asked.load))
    return compared(what, rounds, AS_UNCOUNTED, Size(asked.answer.size, SLACK), Size(asked.answer.size, SLACK))


def the_search(stage: Stage) -> Asked:
    """A search whose answer has nearly 6.4 KB, in many spellings."""
    bodies = {rows: _asked(stage, queries.one_search(Random(1), rows, SPELLINGS)) for rows in range(1, MOST_ROWS)}
    return min(bodies.values(), key=lambda asked: abs(len(asked.answer.body) - BODY))


def _the_spot(stage: Stage) -> Asked:
    listed = _asked(stage, [f"{queries.SPOTS}/?limit=1"])
    return _asked(stage, [f"{queries.SPOTS}/{json.loads(listed.answer.body)[0]['id']}"])


def _asked(stage: Stage, targets: Sequence[str], headers: dict[str, str] | None = None, *, status: int = 200) -> Asked:
    """Raises Failure where the first of the targets is not answered as it should be."""
    sent = headers or stage.headers
    *_, answer = (wire.get(stage.port, targets[0], sent) for _ in range(UNTIL_AT_HAND))
    if answer.status != status:
        raise Failure(f"{targets[0]} is answered with {answer.status}, not {status}: {answer.body.decode()[:200]}")
    return Asked(Load(targets, sent), answer)


def _against_raw(what: str, bench: Bench, asked: Asked) -> Row:
    stage, size = bench.stage, Size(asked.answer.size)
    with raw_twin(stage, asked.answer) as twin:
        rounds = interleaved(bench, _side(stage, stage.port, asked.load), _side(stage, twin.port, asked.load))
    return compared(what, rounds, NEAR_THE_SERVER, size, size)


def _side(stage: Stage, port: int, load: Load) -> Side:
    def side(seconds: float) -> Run:
        return wrk.run(stage.cores, port, load, connections=CONNECTIONS, seconds=seconds)

    return side
