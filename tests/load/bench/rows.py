"""The rows of the table, from top to bottom."""

from collections.abc import Callable, Mapping

from load.bench import booked, cached, crowd, fresh, missed, process, queries
from load.bench.figures import Row
from load.bench.rounds import Bench

Measure = Callable[[str, Bench], Row]

FREE, NEAREST = "availability search never seen before", "nearest 20 never seen before"
FREE_AT_SCALE, NEAREST_AT_SCALE = f"{FREE}, at a million", f"{NEAREST}, at a million"
MEMORY = "memory after all of this"

ROWS: Mapping[str, Measure] = {
    "cached search": cached.cached_search,
    "cached spot": cached.cached_spot,
    "304 for the cached spot": cached.not_modified,
    "cached spot, against nothing counted": cached.counted_spot,
    FREE: missed.against_bare(queries.free_for_an_hour),
    NEAREST: missed.against_bare(queries.nearest),
    FREE_AT_SCALE: missed.at_scale(queries.free_for_an_hour),
    NEAREST_AT_SCALE: missed.at_scale(queries.nearest),
    "2,500 connections, each once a second": crowd.keep_alive,
    "99 % reads, 1 % writes": fresh.mixed,
    "bookings of distinct spots, 24 clients": booked.distinct_spots,
    "24 clients on one slot": booked.one_slot,
    "start to ready": process.start_to_ready,
    MEMORY: process.memory,
}
AT_SCALE = frozenset({FREE_AT_SCALE, NEAREST_AT_SCALE})
