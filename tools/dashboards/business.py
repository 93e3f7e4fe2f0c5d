"""For the owner of the business, in plain words: what is booked, what it brings, and what went wrong with money."""

from tools.dashboards.board import Board
from tools.dashboards.limits import notable_from, worse_from
from tools.dashboards.panels import Panel, lines, number
from tools.dashboards.queries import (
    a_minute,
    everywhere,
    greatest,
    in_major_units,
    increase,
    job_a_minute,
    job_increase,
    of,
    of_all,
    or_none,
    total,
)

TRANSITIONS, CONFLICTS = "parkingspots_bookings_transitions_total", "parkingspots_bookings_conflicts_total"
DONE = "parkingspots_job_done_total"
HELD, CONFIRMED = 'to="pending"', 'to="confirmed"'
NO_MONEY = "No money has moved"
BY_THE_BOOKS = " Counted by the servers as it happens; what counts for accounting is the ledger."
A_MINUTE = "suffix: a minute"
LAPSED = 'step="cancel_lapsed"'
MOVING = 'step=~"cancel_lapsed|start_due|complete_past"'


def _confirmed() -> str:
    return everywhere(TRANSITIONS, CONFIRMED)


BOOKINGS = (
    number(
        "Spots that were held for somebody",
        increase(TRANSITIONS, HELD),
        "short",
        decimals=0,
        shows="Bookings that were begun in the time that is shown, and waited for their payment.",
        worry="not by itself. Compare it with the same time of another week.",
    ),
    number(
        "Bookings that were confirmed",
        _confirmed(),
        "short",
        decimals=0,
        shows="Bookings that became certain, by a payment or by the owner's word.",
        worry="when it is far below what was held.",
    ),
    number(
        "Held and then confirmed",
        f"{_confirmed()} / ({increase(TRANSITIONS, HELD)} > 0)",
        "percentunit",
        decimals=0,
        empty="Nothing had to be paid first",
        shows="Of the bookings that waited for a payment, the share that was confirmed.",
        worry="when it falls: people begin to book and give up, or cannot pay.",
    ),
    number(
        "Wanted by two at once",
        increase(CONFLICTS),
        "short",
        decimals=0,
        alert="ParkingSpotsDoubleBookingAttemptsSpike",
        shows="Attempts to book a time that somebody else had already. Nobody was ever booked twice.",
        worry="not about the product: it says that there are too few spots where people look for them.",
    ),
    number(
        "Holds that ran out",
        f"{increase('parkingspots_bookings_holds_expired_total')} + ({or_none(job_increase(DONE, LAPSED))})",
        "short",
        decimals=0,
        shows="Bookings that were held and not paid in time; their spots were free again.",
        worry="when it nears the number that was held: something keeps people from paying.",
    ),
    number(
        "New accounts",
        increase("parkingspots_registrations_total"),
        "short",
        decimals=0,
        shows="People who registered in the time that is shown.",
        worry="when it is suddenly very large: somebody lets a program register.",
    ),
    lines(
        "Bookings, by what became of them",
        {"{{to}}": total(a_minute(of(TRANSITIONS)), "to")},
        A_MINUTE,
        wide=12,
        shows="By what people did. `pending` waits for its payment, `confirmed` is certain, `in_progress` is parked.",
        worry="when confirmed ones stop while pending ones go on: payments do not arrive.",
    ),
    lines(
        "Bookings that time moved on",
        {"{{step}}": job_a_minute(DONE, MOVING, by="step")},
        A_MINUTE,
        wide=12,
        empty="The minute job has moved nothing yet",
        shows="By the clock: `start_due` began, `complete_past` ended, `cancel_lapsed` were not paid in time.",
        worry="when all three are flat at a busy time: the minute job does not run.",
    ),
    lines(
        "Two wanted the same time",
        {"{{found}}": total(a_minute(of(CONFLICTS)), "found")},
        A_MINUTE,
        wide=12,
        alert="ParkingSpotsConstraintStoppedDoubleBooking",
        shows="`lookup` saw that somebody has it, `constraint` is the last guard, where two came at the same moment.",
        worry="when `constraint` is more than now and then: tell the developers.",
    ),
    lines(
        "Signing in",
        {"{{outcome}}": total(a_minute(of("parkingspots_logins_total")), "outcome")},
        A_MINUTE,
        wide=12,
        shows="`succeeded`, `failed` for a wrong password, `limited` after too many of those.",
        worry="when failed ones outnumber the others: somebody guesses passwords.",
    ),
)


def _amount(title: str, metric: str, shows: str, worry: str) -> Panel:
    return number(
        title,
        in_major_units(metric),
        "locale",
        decimals=2,
        legend="{{currency}}",
        empty=NO_MONEY,
        wide=8,
        shows=shows + BY_THE_BOOKS,
        worry=worry,
    )


def _amounts(title: str, metric: str, shows: str, worry: str) -> Panel:
    queries = {"{{currency}}": in_major_units(metric, "1h")}
    return lines(title, queries, "locale", empty=NO_MONEY, shows=shows + BY_THE_BOOKS, worry=worry)


TAKEN, BACK, OUT = (f"parkingspots_payments_{what}_minor_units_total" for what in ("taken", "refunded", "paid_out"))
MONEY = (
    _amount("Money taken", TAKEN, "What renters paid, by currency, in the time that is shown.", "when it stops."),
    _amount("Money given back", BACK, "What went back to renters.", "when it is a large part of what was taken."),
    _amount("Money paid out", OUT, "What went to owners.", "when owners are due and this stays at zero."),
    _amounts("Money taken in an hour", TAKEN, "Each point: the hour before it.", "when it stops at a busy time."),
    _amounts("Money given back in an hour", BACK, "Each point: the hour before it.", "when it jumps."),
    _amounts("Money paid out in an hour", OUT, "Each point: the hour before it.", "when it jumps."),
)

TROUBLE = (
    number(
        "Differences in the books",
        greatest(of_all("parkingspots_ledger_differences")),
        "none",
        limits=worse_from(1),
        empty="Not compared yet",
        shows="Where our ledger and Stripe disagreed when they were last compared.",
        worry="at once when it is not zero: somebody has to look, `parkingspots ledger check` names each.",
        alert="ParkingSpotsLedgerDiffers",
    ),
    number(
        "Refused by Stripe",
        greatest(of_all("parkingspots_payments_refused")),
        "none",
        limits=worse_from(1),
        empty="Not known yet",
        alert="ParkingSpotsMoneyIsRefused",
        shows="Refunds and payouts that Stripe has refused, and that are tried again.",
        worry="when it stays above zero: often the platform's balance at Stripe is too low.",
    ),
    number(
        "Paid too late",
        everywhere("parkingspots_payments_late_total"),
        "none",
        decimals=0,
        limits=notable_from(1),
        shows="Payments that arrived when the booking was over; the renter got the money back by itself.",
        worry="when it grows: Stripe's word arrives late, or holds are too short.",
    ),
    number(
        "Refunds that went wrong",
        everywhere("parkingspots_payments_refunds_total", 'outcome!="made"'),
        "none",
        decimals=0,
        limits=worse_from(1),
        shows="Refunds that failed or were refused in the time that is shown. They are tried again.",
        worry="when it is not zero and does not end: a renter waits for money.",
    ),
    number(
        "Payments begun",
        increase("parkingspots_payments_intents_total"),
        "none",
        decimals=0,
        shows="Renters who got as far as the form for their card.",
        worry="when it is far above the payments that arrived.",
    ),
    number(
        "Payments that arrived",
        everywhere("parkingspots_payments_confirmations_total"),
        "none",
        decimals=0,
        shows="Bookings that were confirmed because they were paid.",
        worry="when it is far below the payments that were begun: cards are declined, or people give up.",
    ),
    lines(
        "How payments became known",
        {"{{road}}": everywhere("parkingspots_payments_confirmations_total", by="road", over="5m")},
        "none",
        wide=12,
        alert="ParkingSpotsWebhookIsSilent",
        shows="In five minutes: by the renter's browser, by Stripe's webhook, or by asking Stripe (`reconciler`).",
        worry="when the reconciler is the one that finds them: the webhook does not arrive.",
    ),
    lines(
        "Refunds",
        {"{{outcome}}": everywhere("parkingspots_payments_refunds_total", by="outcome", over="5m")},
        "none",
        wide=12,
        shows="In five minutes: made, refused by Stripe, or failed at the bank later.",
        worry="about refused and failed ones that repeat.",
    ),
)

BOARD = Board(
    name="business",
    title="bookings and money",
    about="What is booked, what it brings, and what went wrong with money. For the owner of the business.",
    since="now-24h",
    rows=(("Bookings", BOOKINGS), ("Money", MONEY), ("Payments and trouble", TROUBLE)),
)
