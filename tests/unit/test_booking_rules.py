"""What may become of a booking, who may ask for it, and when."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from parkingspots.bookings import rules
from parkingspots.bookings.rules import Bounds, Fault, Party, PaymentStatus, Status
from parkingspots.spots.rules import CancellationPolicy

START = datetime(2030, 2, 1, 10, tzinfo=UTC)
END = START + timedelta(hours=2)
EARLY = timedelta(minutes=30)
A_MOMENT = timedelta(microseconds=1)
BOUNDS = Bounds(shortest=timedelta(minutes=15), longest=timedelta(days=90), horizon=timedelta(days=365))

TRANSITIONS = {
    ("pending", "confirmed"),
    ("pending", "cancelled"),
    ("confirmed", "in_progress"),
    ("confirmed", "completed"),
    ("confirmed", "cancelled"),
    ("in_progress", "completed"),
    ("in_progress", "cancelled"),
    ("completed", "refunded"),
}
REQUESTS = {
    ("renter", "cancelled"),
    ("owner", "confirmed"),
    ("owner", "cancelled"),
    *(("admin", status) for status in Status),
}


@pytest.mark.parametrize(("current", "wanted"), [*product(Status, Status)])
def test_a_booking_goes_the_ways_of_the_lifecycle_and_no_other(current: Status, wanted: Status) -> None:
    assert rules.may_become(current, wanted) == ((current, wanted) in TRANSITIONS)


@pytest.mark.parametrize(("party", "wanted"), [*product(Party, Status)])
def test_each_party_asks_only_for_what_is_its_own_to_decide(party: Party, wanted: Status) -> None:
    assert (wanted in rules.MAY_ASK_FOR[party]) == ((party, wanted) in REQUESTS)


def test_the_renter_and_an_admin_check_in_and_out_but_not_the_owner() -> None:
    assert set(rules.MAY_CHECK_IN_AND_OUT) == {"renter", "admin"}


def test_a_booking_holds_its_slot_until_it_is_over() -> None:
    assert set(rules.HOLDING) == {"pending", "confirmed", "in_progress"}


def test_the_words_of_the_wire_are_those_that_clients_know() -> None:
    assert [*Status] == ["pending", "confirmed", "in_progress", "completed", "cancelled", "refunded"]
    assert [*PaymentStatus] == ["pending", "completed", "failed", "refunded", "partially_refunded"]


def test_a_hold_lapses_at_the_moment_until_which_it_is_good() -> None:
    assert not rules.has_lapsed(START, START - A_MOMENT)
    assert rules.has_lapsed(START, START)
    assert rules.has_lapsed(START, START + A_MOMENT)


def test_what_does_not_expire_never_lapses() -> None:
    assert not rules.has_lapsed(None, START)


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (START - EARLY - A_MOMENT, False),
        (START - EARLY, True),
        (START, True),
        (END - A_MOMENT, True),
        (END, False),
    ],
)
def test_checking_in_is_possible_from_shortly_before_the_start_to_the_end(now: datetime, may: bool) -> None:
    assert rules.may_check_in(Status.CONFIRMED, None, START, END, now, EARLY) == may


@pytest.mark.parametrize("status", Status)
def test_only_a_confirmed_or_a_running_booking_is_checked_into(status: Status) -> None:
    may = rules.may_check_in(status, None, START, END, START, EARLY)
    assert may == (status in {"confirmed", "in_progress"})


@pytest.mark.parametrize("status", Status)
def test_nobody_checks_in_twice(status: Status) -> None:
    assert not rules.may_check_in(status, START, START, END, START, EARLY)


@pytest.mark.parametrize("status", Status)
def test_only_a_confirmed_or_a_running_booking_is_checked_out_of(status: Status) -> None:
    assert rules.may_check_out(status, START, START) == (status in {"confirmed", "in_progress"})


def test_checking_out_is_possible_from_the_start_on() -> None:
    assert not rules.may_check_out(Status.IN_PROGRESS, START, START - A_MOMENT)
    assert rules.may_check_out(Status.IN_PROGRESS, START, START)
    assert rules.may_check_out(Status.IN_PROGRESS, START, END + timedelta(days=1))


@pytest.mark.parametrize("paid", PaymentStatus)
def test_what_was_not_paid_is_not_given_back(paid: PaymentStatus) -> None:
    is_paid = paid not in {"pending", "failed"}
    assert rules.payment_after_giving_back(paid, 100, 100) == ("refunded" if is_paid else paid)
    assert rules.payment_after_giving_back(paid, 100, 40) == ("partially_refunded" if is_paid else paid)
    assert rules.payment_after_giving_back(paid, 100, 0) == paid


@pytest.mark.parametrize(
    ("policy", "hours_before", "part"),
    [
        ("flexible", 0, 1000),
        ("flexible", -0.01, 0),
        ("moderate", 24, 1000),
        ("moderate", 23.99, 500),
        ("moderate", 0, 500),
        ("moderate", -0.01, 0),
        ("strict", 168, 1000),
        ("strict", 167.99, 500),
        ("strict", 48, 500),
        ("strict", 47.99, 0),
    ],
)
def test_a_renter_who_cancels_gets_back_what_the_policy_says(policy: str, hours_before: float, part: int) -> None:
    now = START - timedelta(hours=hours_before)
    assert rules.given_back(CancellationPolicy(policy), Party.RENTER, 1000, START, now) == part


@pytest.mark.parametrize("party", [Party.OWNER, Party.ADMIN])
@pytest.mark.parametrize("policy", CancellationPolicy)
def test_whoever_else_cancels_gives_everything_back(policy: CancellationPolicy, party: Party) -> None:
    assert rules.given_back(policy, party, 1000, START, START + timedelta(hours=1)) == 1000


def test_half_a_cent_goes_to_the_renter() -> None:
    assert rules.given_back(CancellationPolicy.MODERATE, Party.RENTER, 7, START, START) == 4


@pytest.mark.parametrize(("total", "step", "back"), [(770, 10, 390), (760, 10, 380), (10, 10, 10), (700, 100, 400)])
def test_half_of_what_moves_in_steps_is_a_step(total: int, step: int, back: int) -> None:
    assert rules.given_back(CancellationPolicy.MODERATE, Party.RENTER, total, START, START, step) == back


def test_a_hold_whose_payment_goes_on_lasts_longer_within_bounds() -> None:
    hold, made = timedelta(minutes=10), START
    assert rules.hold_while_paying(made + hold, made, hold, made) == made + hold
    assert rules.hold_while_paying(made + hold, made, hold, made + timedelta(minutes=9)) == made + timedelta(minutes=19)
    for minute in range(0, 60, 9):
        assert rules.hold_while_paying(made + hold, made, hold, made + timedelta(minutes=minute)) <= made + 3 * hold


@pytest.mark.parametrize("party", [Party.RENTER, Party.OWNER])
def test_a_booking_is_cancelled_by_its_parties_until_its_end(party: Party) -> None:
    assert rules.may_cancel(party, END, END - A_MOMENT)
    assert not rules.may_cancel(party, END, END)


def test_an_admin_cancels_afterwards_too() -> None:
    assert rules.may_cancel(Party.ADMIN, END, END + timedelta(days=1))


def fault(start: datetime, duration: timedelta, now: datetime = START) -> Fault | None:
    return rules.fault(start, start + duration, now, BOUNDS)


def test_a_booking_may_start_now_and_not_a_moment_earlier() -> None:
    assert fault(START, BOUNDS.shortest) is None
    assert fault(START - A_MOMENT, BOUNDS.shortest) is Fault.PAST


def test_a_booking_that_does_not_end_after_its_start_is_empty() -> None:
    assert fault(START, timedelta(0)) is Fault.EMPTY
    assert fault(START, -A_MOMENT) is Fault.EMPTY
    assert fault(START, A_MOMENT) is Fault.SHORT


def test_an_empty_time_in_the_past_is_empty_before_it_is_past() -> None:
    assert fault(START - A_MOMENT, timedelta(0)) is Fault.EMPTY


def test_a_booking_may_be_as_short_and_as_long_as_the_bounds_and_no_more() -> None:
    assert fault(START, BOUNDS.shortest) is None
    assert fault(START, BOUNDS.shortest - A_MOMENT) is Fault.SHORT
    assert fault(START, BOUNDS.longest) is None
    assert fault(START, BOUNDS.longest + A_MOMENT) is Fault.LONG


def test_a_booking_may_start_as_far_ahead_as_the_horizon_and_no_further() -> None:
    furthest = START + BOUNDS.horizon
    assert fault(furthest, BOUNDS.longest) is None
    assert fault(furthest + A_MOMENT, BOUNDS.shortest) is Fault.FAR
