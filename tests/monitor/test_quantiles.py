"""Quantiles are those that Prometheus gives."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.alerts import promtool
from parkingspots.monitor.quantiles import quantile

PARTS = (0.5, 0.9, 0.95, 0.99)
BOUNDS = (0.001, 0.01, 0.1, 1.0, math.inf)
counts = st.lists(st.integers(0, 1000), min_size=len(BOUNDS), max_size=len(BOUNDS))


def added_up(each: Sequence[float]) -> Mapping[float, float]:
    return {bound: sum(each[: place + 1]) for place, bound in enumerate(BOUNDS)}


def by_the_definition(part: float, each: Sequence[float]) -> float | None:
    """Walk along the values, spread evenly over their buckets, until `part` of them lie behind."""
    left = part * sum(each)
    if not sum(each):
        return None
    lower = 0.0
    for bound, count in zip(BOUNDS, each, strict=True):
        if bound == math.inf:
            return lower
        if left <= count:
            return lower + (bound - lower) * left / count
        left, lower = left - count, bound
    raise AssertionError(each)


@given(counts, st.sampled_from(PARTS))
def test_a_quantile_is_where_its_part_of_the_values_lies(each: list[int], part: float) -> None:
    expected = by_the_definition(part, each)
    assert quantile(part, added_up(each)) == (expected if expected is None else pytest.approx(expected))


@given(counts)
def test_quantiles_rise_and_stay_within_the_finite_bounds(each: list[int]) -> None:
    found = [quantile(part, added_up(each)) for part in PARTS]
    known = [value for value in found if value is not None]
    assert known == sorted(known)
    assert all(0 <= value <= 1.0 for value in known)


@pytest.mark.parametrize(
    "buckets",
    [
        pytest.param({}, id="nothing"),
        pytest.param({math.inf: 3.0}, id="no finite bound"),
        pytest.param({0.1: 3.0, 1.0: 5.0}, id="no +Inf"),
        pytest.param({0.1: 0.0, math.inf: 0.0}, id="no value"),
    ],
)
def test_there_is_none_of(buckets: Mapping[float, float]) -> None:
    assert quantile(0.5, buckets) is None


def test_a_bucket_that_was_read_a_moment_late_counts_as_the_one_before_it() -> None:
    assert quantile(0.5, {0.1: 10.0, 1.0: 9.0, math.inf: 10.0}) == pytest.approx(0.05)


def test_histogram_quantile_itself_gives_the_same(tmp_path: Path) -> None:
    """Debian's prometheus brings promtool, which evaluates expressions over series that a file gives."""
    each = (3, 140, 0, 17, 2)
    series = [
        {"series": f'of_a_test_bucket{{le="{"+Inf" if bound == math.inf else bound}"}}', "values": f"{count}"}
        for bound, count in added_up(each).items()
    ]
    expected = [
        {
            "expr": f"histogram_quantile({part}, of_a_test_bucket)",
            "exp_samples": [{"labels": "{}", "value": quantile(part, added_up(each))}],
        }
        for part in PARTS
    ]
    rules = tmp_path / "rules.yaml"
    rules.write_text("groups: []")
    story = {"rule_files": [rules.name], "tests": [{"input_series": series, "promql_expr_test": expected}]}
    (tmp_path / "story.yaml").write_text(json.dumps(story))
    promtool("test", "rules", tmp_path / "story.yaml")
