"""What is counted of payments, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from parkingspots.kit import job_counts
from parkingspots.kit.known import from_zero
from parkingspots.payments.rules import Road

INTENTS = Counter("parkingspots_payments_intents", "Intentions to pay that were made.")
CONFIRMATIONS = Counter(
    "parkingspots_payments_confirmations",
    "Bookings that were confirmed because they were paid, by how that became known: client, webhook or reconciler.",
    ("road",),
)
LATE = Counter("parkingspots_payments_late", "Payments that came for a booking that was over, and went back.")
TAKEN = Counter("parkingspots_payments_taken_minor_units", "What renters paid, in minor units.", ("currency",))
REFUNDS = Counter("parkingspots_payments_refunds", "Refunds by outcome: made, refused, failed.", ("outcome",))
GIVEN_BACK = Counter("parkingspots_payments_refunded_minor_units", "What went back to renters.", ("currency",))
PAID_OUT = Counter("parkingspots_payments_paid_out_minor_units", "What went to owners.", ("currency",))
EVENTS = Counter(
    "parkingspots_payments_events", "Events of Stripe's: received, repeated, handled, failed, parked.", ("outcome",)
)
EVENT_AGE = Histogram(
    "parkingspots_payments_event_age_seconds",
    "From when something happened at Stripe until it was handled here.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400),
)
CALLS = Counter(
    "parkingspots_stripe_calls",
    "Calls of Stripe by outcome: ok, refused, away, nonsense.",
    ("call", "outcome"),
)
LATENCY = Histogram("parkingspots_stripe_seconds", "How long Stripe took to answer.", ("call",))
PARKED = Gauge(
    "parkingspots_payments_parked_events",
    "Events of Stripe's that failed too often, and wait for somebody.",
    multiprocess_mode="livemostrecent",
)
REFUSED = Gauge(
    "parkingspots_payments_refused",
    "Refunds, reversals and payouts that Stripe has refused, and that are tried again.",
    multiprocess_mode="livemostrecent",
)
DIFFERENCES = Gauge(
    "parkingspots_ledger_differences",
    "Found by the last comparison of the ledger.",
    multiprocess_mode="livemostrecent",
)
OLDEST = Gauge(
    "parkingspots_payments_oldest_event_age_seconds",
    "Since the first of Stripe's events that wait was received; 0 where none waits.",
    multiprocess_mode="livemostrecent",
)
WATCHED = (PARKED, REFUSED, DIFFERENCES, OLDEST)
"""Read from the tables; NaN while nobody knows."""

job_counts.keep(CONFIRMATIONS, LATE, TAKEN, REFUNDS, GIVEN_BACK, PAID_OUT, EVENTS, CALLS)
from_zero(CONFIRMATIONS, Road)
from_zero(REFUNDS, ("made", "refused", "failed"))
from_zero(EVENTS, ("received", "repeated", "handled", "failed", "parked"))
