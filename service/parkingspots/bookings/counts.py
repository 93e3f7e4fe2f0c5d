"""What is counted of bookings, for Prometheus. What the minute job moves by itself stands in its own figures."""

from prometheus_client import Counter

from parkingspots.bookings.rules import Status
from parkingspots.kit import job_counts
from parkingspots.kit.known import from_zero

TRANSITIONS = Counter("parkingspots_bookings_transitions", "Bookings by what requests made of them.", ("to",))
CONFLICTS = Counter(
    "parkingspots_bookings_conflicts",
    "Wishes for a slot that somebody has, by what found it: the lookup, or the constraint behind it.",
    ("found",),
)
EXPIRED = Counter(
    "parkingspots_bookings_holds_expired", "Unpaid holds that were over, and gave way to another booking."
)
LOOKUP, CONSTRAINT = "lookup", "constraint"

job_counts.keep(TRANSITIONS)
from_zero(TRANSITIONS, Status)
from_zero(CONFLICTS, (LOOKUP, CONSTRAINT))
