"""Quantiles out of a histogram's buckets, as Prometheus' histogram_quantile gives them.

https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile: within a bucket values are taken
to lie evenly; the lowest begins at 0; what lies in the +Inf bucket is as much as the highest bound that is finite.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

Buckets = Mapping[float, float]
"""How many values, or how many a second, were at most so much: what a series with the label `le` counts."""


def quantile(part: float, buckets: Buckets) -> float | None:
    """The value that `part` of all, above 0 and below 1, do not exceed; None where that cannot be said."""
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf:  # noqa: PLR2004 - one bound and +Inf
        return None
    counts = list(accumulate((buckets[bound] for bound in bounds), max))  # pages are not read in one moment
    if counts[-1] <= 0:
        return None
    rank = part * counts[-1]
    place = bisect_left(counts, rank, hi=len(counts) - 1)
    if place == len(bounds) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    return start + (bounds[place] - start) * ((rank - below) / (counts[place] - below))
