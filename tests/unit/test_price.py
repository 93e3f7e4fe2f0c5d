"""What a booking costs: the least that any split into months, days and minutes costs, in integers."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parkingspots.bookings.rules import Rates, price, quote

HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
LONGEST = timedelta(days=90)
MOST_MONTHS, MOST_DAYS = 4, 91  # more than fit into the longest booking
HOURLY_ONLY = Rates(350, None, None)
ALL = Rates(350, 2_000, 30_000)

amounts = st.integers(1, 1_000) | st.integers(1, 100_000_000)
all_rates = st.builds(Rates, amounts, st.none() | amounts, st.none() | amounts)
durations = st.timedeltas(timedelta(0), LONGEST)


def half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def minutes_begun(duration: timedelta) -> int:
    whole, rest = divmod(duration, timedelta(minutes=1))
    return whole + (1 if rest else 0)


def tried_out(rates: Rates, duration: timedelta) -> int:
    """The price as a child would find it: lay down any number of months and of days, pay the bare minutes."""
    offers = []
    for months, days in product(range(MOST_MONTHS), range(MOST_DAYS)):
        if (months and rates.monthly is None) or (days and rates.daily is None):
            continue
        bare = minutes_begun(max(duration - months * MONTH - days * DAY, timedelta(0)))
        units = months * (rates.monthly or 0) + days * (rates.daily or 0)
        offers.append(units + half_up(Decimal(rates.hourly) * bare / 60))
    return min(offers)


@given(all_rates, durations)
@example(Rates(350, 2_000, None), DAY + timedelta(microseconds=1))
@example(ALL, MONTH + DAY + HOUR)
@example(Rates(100_000_000, 1, 29), LONGEST)
def test_no_split_of_the_time_is_cheaper(rates: Rates, duration: timedelta) -> None:
    assert price(rates, duration) == tried_out(rates, duration)


@given(all_rates, durations, durations)
def test_a_longer_time_never_costs_less(rates: Rates, one: timedelta, other: timedelta) -> None:
    assert price(rates, min(one, other)) <= price(rates, max(one, other))


@given(all_rates, durations)
def test_it_never_costs_more_than_the_hourly_rate_for_all_of_the_time(rates: Rates, duration: timedelta) -> None:
    pro_rata = half_up(Decimal(rates.hourly) * minutes_begun(duration) / 60)
    assert price(rates, duration) <= pro_rata


@given(amounts, durations)
def test_without_other_rates_it_is_the_hourly_rate_pro_rata(hourly: int, duration: timedelta) -> None:
    assert price(Rates(hourly, None, None), duration) == half_up(Decimal(hourly) * minutes_begun(duration) / 60)


@pytest.mark.parametrize(
    ("rates", "duration", "cents"),
    [
        (HOURLY_ONLY, 2 * HOUR, 700),
        (HOURLY_ONLY, timedelta(minutes=15), 88),  # 87.5
        (HOURLY_ONLY, timedelta(minutes=15, seconds=1), 93),  # 16 minutes, 93.33
        (Rates(1, None, None), timedelta(minutes=29), 0),
        (Rates(1, None, None), timedelta(minutes=30), 1),
        (HOURLY_ONLY, DAY, 8_400),
        (ALL, 5 * HOUR, 1_750),
        (ALL, 6 * HOUR, 2_000),  # a whole day is cheaper than six hours
        (ALL, DAY, 2_000),
        (ALL, DAY + HOUR, 2_350),
        (ALL, DAY + 6 * HOUR, 4_000),
        (ALL, 14 * DAY, 28_000),
        (ALL, 14 * DAY + 6 * HOUR, 30_000),  # a whole month is cheaper than fifteen days and some
        (ALL, MONTH, 30_000),
        (ALL, MONTH + DAY + HOUR, 32_350),
        (ALL, LONGEST, 90_000),
        (Rates(350, None, 30_000), MONTH + HOUR, 30_350),
        (Rates(350, 20_000, 800_000), DAY, 8_400),  # a day's rate dearer than 24 hours is nobody's choice
        (Rates(350, 2_000, 100), DAY, 100),
    ],
)
def test_prices_by_example(rates: Rates, duration: timedelta, cents: int) -> None:
    assert price(rates, duration) == cents


def test_no_time_costs_nothing() -> None:
    assert price(ALL, timedelta(0)) == 0


@pytest.mark.parametrize(
    ("hourly", "basis_points", "fee"),
    [
        (700, 1_000, 70),
        (704, 1_000, 70),  # 70.4
        (705, 1_000, 71),  # 70.5
        (1_000, 1_250, 125),
        (1_000, 0, 0),
        (1_000, 10_000, 1_000),
        (100_000_000, 1_234, 12_340_000),
    ],
)
def test_the_service_fee_comes_on_top_rounded_half_up(hourly: int, basis_points: int, fee: int) -> None:
    cost = quote(Rates(hourly, None, None), HOUR, basis_points)
    assert cost.subtotal == hourly
    assert cost.service_fee == fee
    assert cost.total == hourly + fee


def test_what_would_be_free_costs_a_cent() -> None:
    assert quote(Rates(1, None, None), timedelta(minutes=29), 1_000).subtotal == 1


@given(all_rates, durations, st.integers(0, 10_000))
def test_a_quote_is_the_price_at_least_a_cent_and_the_fee_on_it(
    rates: Rates, duration: timedelta, basis_points: int
) -> None:
    cost = quote(rates, duration, basis_points)
    assert cost.subtotal == max(price(rates, duration), 1)
    assert cost.service_fee == half_up(Decimal(cost.subtotal) * basis_points / 10_000)
    assert cost.total == cost.subtotal + cost.service_fee
