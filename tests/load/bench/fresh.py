"""The row about reads while others write, which `load.freshness` measures: `row(what, bench) -> Row`."""

from importlib import import_module
from importlib.util import find_spec
from typing import cast

from load.bench.figures import Row, not_run
from load.bench.rounds import Bench

MODULE = "load.freshness"
BAR = "hits ≥ 95%, 0 stale"


def mixed(what: str, bench: Bench) -> Row:
    if find_spec(MODULE) is None:
        return not_run(what, BAR, f"{MODULE} is not there")
    return cast("Row", import_module(MODULE).row(what, bench))
