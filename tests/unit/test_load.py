"""What the mix of reads and writes takes for the truth, and how popular its queries are."""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from load.mixed.findings import Findings, hits
from load.mixed.queries import Popular, page_of, popular
from load.mixed.writes import Booking, Listing, PriceChange, price_in

SPOT = Listing(UUID(int=1), 37.97, 23.73, "token")
START = datetime(2030, 5, 1, 10, tzinfo=UTC)


def test_a_query_is_asked_as_often_as_its_rank_says() -> None:
    drawn = Counter(Popular(["first", "second", "third"]).drawn(Random(1), 11_000))
    assert [drawn[name] / 11_000 for name in ("first", "second", "third")] == pytest.approx(
        [6 / 11, 3 / 11, 2 / 11], rel=0.1
    )


def test_popular_queries_differ() -> None:
    targets = popular(Random(1), [UUID(int=number) for number in range(1_000)], 500).targets
    assert len(set(targets)) == len(targets) == 500


def test_a_list_under_the_lower_price_has_the_spot_only_while_it_costs_that() -> None:
    dearer, cheaper = PriceChange(SPOT, 200, 250, START), PriceChange(SPOT, 250, 200, START)
    capped = next(target for target in dearer.before() if target.endswith("max_hourly_rate=200"))
    assert (dearer.before()[capped], dearer.after()[capped]) == (200, None)
    assert (cheaper.before()[capped], cheaper.after()[capped]) == (None, 200)


def test_a_booking_takes_the_spot_out_of_the_search_for_its_time_alone() -> None:
    booking = Booking(SPOT, 200, "token", START)
    changed = [target for target, price in booking.after().items() if price != booking.before()[target]]
    assert [("start_time=2030-05-01T10%3A00%3A00Z" in target) for target in changed] == [True]
    assert booking.after()[page_of(SPOT.id)] == 200


def test_a_price_is_found_in_a_page_and_in_a_list() -> None:
    page = {"id": str(SPOT.id), "hourly_rate": 200}
    assert price_in(page, SPOT.id) == price_in([{"id": "another", "hourly_rate": 1}, page], SPOT.id) == 200
    assert price_in([], SPOT.id) is None


def test_only_what_was_kept_counts_as_a_hit() -> None:
    outcomes = Counter({("a", "hit"): 6, ("b", "shared"): 2, ("a", "miss"): 1, ("b", "coalesced"): 1})
    assert hits(outcomes) == pytest.approx(0.8)


def test_stale_reads_and_failures_are_objected_to() -> None:
    findings = Findings()
    assert findings.objections() == []
    findings.saw_stale("an old price")
    findings.failures["no answer in time"] += 2
    assert findings.objections() == ["1 stale reads", "2 failures"]
