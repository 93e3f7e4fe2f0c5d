"""How money is divided, written down and given back, and how currencies count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parkingspots.bookings.rules import Rates, quote
from parkingspots.kit.currencies import ISO_4217, digits, least_charge, written
from parkingspots.payments import rules
from parkingspots.payments.gateway import RefusedError
from parkingspots.payments.rules import DisputeStatus
from parkingspots.payments.stripe_gateway import in_iso_units, in_stripes_units

NOW = datetime(2030, 2, 1, 10, tzinfo=UTC)
amounts = st.integers(1, 100_000_000)


@st.composite
def payments(draw: st.DrawFn) -> tuple[int, int]:
    """What a renter paid, and what of it is the owner's."""
    total = draw(amounts)
    return total, draw(st.integers(0, total))


@given(payments(), st.lists(st.integers(1, 10_000)))
def test_what_the_owner_bears_of_refunds_adds_up_to_all_that_was_earned(
    payment: tuple[int, int], refunds: list[int]
) -> None:
    total, owner_total = payment
    borne = asked = 0
    for amount in [*refunds, total]:
        after = min(asked + amount, total)
        part = rules.owner_part(after, total, owner_total) - rules.owner_part(asked, total, owner_total)
        assert 0 <= part <= after - asked
        borne, asked = borne + part, after
    assert borne == owner_total


@pytest.mark.parametrize(("amount", "part"), [(0, 0), (1, 1), (5, 5), (6, 5), (11, 10), (770, 700)])
def test_the_owners_part_is_rounded_half_up(amount: int, part: int) -> None:
    assert rules.owner_part(amount, 770, 700) == part


@given(payments())
def test_every_transaction_adds_up_to_zero(payment: tuple[int, int]) -> None:
    amount, owner_amount = payment
    for entries in (
        rules.charged(amount, owner_amount),
        rules.given_back(amount, owner_amount),
        rules.paid_out(amount),
        rules.withdrawn(amount),
        rules.lost(amount, owner_amount),
    ):
        assert sum(entries.values()) == 0
        assert sum(rules.undone(entries).values()) == 0


@given(payments())
def test_what_is_given_back_whole_leaves_nobody_with_anything(payment: tuple[int, int]) -> None:
    entries = rules.charged(*payment), rules.given_back(*payment)
    assert all(sum(each.get(account, 0) for each in entries) == 0 for account in rules.Account)


@given(payments())
def test_a_lost_dispute_costs_what_a_refund_does(payment: tuple[int, int]) -> None:
    amount, _ = payment
    dispute = rules.withdrawn(amount), rules.lost(*payment)
    refund = rules.given_back(*payment)
    assert all(sum(each.get(account, 0) for each in dispute) == refund.get(account, 0) for account in rules.Account)


def test_what_has_failed_is_tried_again_later_and_later_but_within_six_hours() -> None:
    pauses = [rules.next_attempt(attempts, NOW) - NOW for attempts in range(100)]
    assert pauses[:4] == [timedelta(seconds=seconds) for seconds in (15, 30, 60, 120)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=6)


def test_nobody_counts_so_far_that_the_pause_is_out_of_range() -> None:
    assert rules.next_attempt(10**9, NOW) == NOW + timedelta(hours=6)


@pytest.mark.parametrize(
    ("currency", "places", "least", "text"),
    [
        ("EUR", 2, 1, "12.34 EUR"),
        ("JPY", 0, 1, "1234 JPY"),
        ("ISK", 0, 1, "1234 ISK"),
        ("UGX", 0, 1, "1234 UGX"),
        ("MGA", 2, 100, "12.34 MGA"),
        ("KWD", 3, 10, "1.234 KWD"),
    ],
)
def test_a_currency_counts_as_iso_4217_says(currency: str, places: int, least: int, text: str) -> None:
    assert digits(currency) == places
    assert least_charge(currency) == least
    assert written(1234, currency) == text


@pytest.mark.parametrize(("amount", "text"), [(0, "0.00 EUR"), (5, "0.05 EUR"), (100_000_000, "1000000.00 EUR")])
def test_an_amount_is_written_with_all_its_places(amount: int, text: str) -> None:
    assert written(amount, "EUR") == text


@pytest.mark.parametrize(
    ("currency", "ours", "stripes"),
    [
        ("EUR", 1234, 1234),
        ("JPY", 1234, 1234),
        ("ISK", 1234, 123_400),
        ("UGX", 1234, 123_400),
        ("MGA", 1200, 12),
        ("KWD", 1230, 1230),
    ],
)
def test_stripe_is_told_amounts_as_it_counts_them(currency: str, ours: int, stripes: int) -> None:
    assert in_stripes_units(ours, currency) == stripes
    assert in_iso_units(stripes, currency) == ours


@given(st.sampled_from(sorted(ISO_4217)), st.integers(1, 1_000_000))
def test_nothing_of_an_amount_that_can_be_charged_is_lost_on_the_way_to_stripe_and_back(
    currency: str, steps: int
) -> None:
    amount = steps * least_charge(currency)
    assert in_iso_units(in_stripes_units(amount, currency), currency) == amount


@given(amounts, st.timedeltas(timedelta(0), timedelta(days=90)), st.integers(0, 10_000))
def test_a_price_in_dinars_has_no_thousandths(hourly: int, duration: timedelta, fee: int) -> None:
    step = least_charge("KWD")
    asked = quote(Rates(hourly, None, None), duration, fee, step)
    assert asked.total == asked.subtotal + asked.service_fee
    assert {each % step for each in (asked.total, asked.subtotal, asked.service_fee)} == {0}
    assert asked.subtotal >= step
    assert asked.service_fee >= 0


@given(payments(), st.lists(st.integers(1, 10_000)), st.sampled_from([10, 100]))
def test_where_only_multiples_can_be_moved_all_parts_are_multiples(
    payment: tuple[int, int], refunds: list[int], step: int
) -> None:
    total, owner_total = (each * step for each in payment)
    borne = asked = 0
    for amount in [*refunds, total]:
        after = min(asked + amount * step, total)
        part = rules.owner_part(after, total, owner_total, step) - rules.owner_part(asked, total, owner_total, step)
        assert 0 <= part <= after - asked
        assert part % step == 0
        borne, asked = borne + part, after
    assert borne == owner_total


def test_what_stripe_cannot_move_is_refused_and_not_cut_off() -> None:
    with pytest.raises(RefusedError, match="7\\.70 MGA"):
        in_stripes_units(770, "MGA")
    assert in_stripes_units(700, "MGA") == 7


@given(st.sets(st.sampled_from(DisputeStatus)))
def test_a_payment_stands_as_its_heaviest_dispute(disputes: set[DisputeStatus]) -> None:
    heaviest = rules.heaviest(disputes)
    assert (heaviest in rules.FREEZING) == bool(disputes & rules.FREEZING)
    assert heaviest in disputes if disputes else heaviest is None
