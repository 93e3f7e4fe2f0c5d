"""Rules in a world where time goes by faster: every time is divided, and nothing else is changed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import promql_parser
import pytest
import yaml
from promql_parser import Expr, MatrixSelector, NumberLiteral, VectorSelector

from drills.hurried import AGE, Hurry, in_seconds, words
from monitoring.alerts import FILES, Rule, promtool, rules
from monitoring.runbooks import pages

FACTOR = 30
FAST = Hurry(FACTOR)
EVERY_QUERY = sorted(
    {rule["expr"] for rule in rules()} | {text for page in pages().values() for text in page.blocks("promql")}
)


def parts(promql: str) -> Iterator[Expr]:
    found: list[Expr] = []

    def look(expression: Expr) -> bool:
        found.append(expression)
        return True

    promql_parser.walk(promql_parser.parse(promql), look)
    yield from found


def times(promql: str) -> list[timedelta]:
    """Ranges and offsets, in order."""
    ranges = [part.range for part in parts(promql) if isinstance(part, MatrixSelector)]
    selectors = [part for part in parts(promql) if isinstance(part, VectorSelector)]
    selectors += [part.vector_selector for part in parts(promql) if isinstance(part, MatrixSelector)]
    return ranges + [each.offset for each in selectors if each.offset]


def numbers(promql: str) -> list[float]:
    return [part.val for part in parts(promql) if isinstance(part, NumberLiteral)]


def test_every_range_and_offset_is_divided() -> None:
    for query in EVERY_QUERY:
        assert times(FAST.query(query)) == [each / FACTOR for each in times(query)]


def test_numbers_that_are_no_times_stay() -> None:
    for query in EVERY_QUERY:
        if AGE.search(query) is None and "30 * sum_over_time" not in query:
            assert numbers(FAST.query(query)) == numbers(query)


def test_in_a_world_like_ours_nothing_but_the_writing_changes() -> None:
    for query in EVERY_QUERY:
        assert promql_parser.parse(Hurry(1).query(query)).prettify() == promql_parser.parse(query).prettify()


@pytest.mark.parametrize(("slo", "seconds"), [("search", 300), ("booking", 300), ("freshness", 10), ("webhook", 10)])
def test_a_budget_counts_requests_as_before_and_of_time_less(slo: str, seconds: int) -> None:
    query = f'a > 14.4 * 0.01 and 30 * sum_over_time(b{{slo="{slo}"}}[1h]) >= 300'
    hurried = f'a > 14.4 * 0.01 and 1 * sum_over_time(b{{slo="{slo}"}}[120000ms]) >= {seconds}'
    assert FAST.query(query) == hurried


def test_ages_are_compared_with_less_and_with_as_much_more_as_they_may_be_told_late() -> None:
    assert FAST.query("max(parkingspots_job_last_success_age_seconds{}) > 600") == (
        "max(parkingspots_job_last_success_age_seconds{}) > 35"
    )
    assert FAST.query("max(parkingspots_payments_oldest_event_age_seconds{} >= 0) > bool 300") == (
        "max(parkingspots_payments_oldest_event_age_seconds{} >= 0) > bool 10"
    )


def test_a_rule_waits_and_is_looked_at_oftener() -> None:
    rule: Rule = {"alert": "Away", "expr": "up == 0", "for": "1m", "labels": {"window": "1h"}}
    document = {"groups": [{"name": "of all", "interval": "30s", "rules": [rule]}]}
    (group,) = FAST.rules(document)["groups"]
    assert group == {"name": "of all", "interval": "1000ms", "rules": [{**rule, "for": "2000ms"}]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_prometheus_takes_what_comes_of_the_rules(file: Path, tmp_path: Path) -> None:
    hurried = tmp_path / file.name
    hurried.write_text(yaml.safe_dump(FAST.rules(yaml.safe_load(file.read_text()))))
    promtool("check", "rules", hurried)


def test_durations_are_read_and_told() -> None:
    assert [in_seconds(text) for text in ("30s", "5m", "1h30m", "3d", "250ms")] == [30, 300, 5400, 259_200, 0.25]
    assert [words(seconds) for seconds in (0, 7.4, 60, 127, 3600, 90_061)] == [
        *("0 s", "7 s", "1 min", "2 min 7 s", "1 h", "1 d 1 h 1 min 1 s")
    ]
