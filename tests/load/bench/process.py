"""Rows about the serving process itself: its start and its memory."""

from statistics import median
from time import perf_counter

from load.bench.figures import Bar, Row, verdict
from load.bench.machine import resident
from load.bench.rounds import Bench
from load.bench.stage import api

STARTS = 7
READY, MEMORY = Bar(1.2, " s", at_least=False), Bar(160, " MB", at_least=False)


def start_to_ready(what: str, bench: Bench) -> Row:
    """From the start of the program to its first 200 for /readyz, the database being up."""
    seconds = median(_start(bench) for _ in range(STARTS))
    return Row(what, f"{seconds:.2f} s", "-", "-", str(READY), verdict(READY, seconds))


def _start(bench: Bench) -> float:
    stage, began = bench.stage, perf_counter()
    with api(stage.cores, stage.folder, stage.environment):
        return perf_counter() - began


def memory(what: str, bench: Bench) -> Row:
    megabytes = resident(bench.stage.pid)
    return Row(what, f"{megabytes:.0f} MB", "-", "-", str(MEMORY), verdict(MEMORY, megabytes))
