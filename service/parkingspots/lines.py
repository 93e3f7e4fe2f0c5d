"""Which requests stand in which line, and how many of them are worked on at once.

Money comes first: whoever pays or books never waits behind searches, which have a line of their own and are fewer at
once. Anybody may knock at the door of Stripe's events as often as they like, so that those have a line of their own,
too: Stripe sends again what is turned away.
"""

from starlette.types import Scope

from parkingspots.kit.ahead import BODIES
from parkingspots.kit.known import from_zero
from parkingspots.kit.turns import READING, SHED, Line
from parkingspots.settings import Settings

PAYMENTS, EVENTS, BOOKINGS, READS, OTHERS = "payments", "events", "bookings", "reads", "others"
AT_ONCE = {PAYMENTS: 4.0, EVENTS: 1.0, BOOKINGS: 2.0, READS: 0.75, OTHERS: 2.0}
"""For each connection that a pool may have. Reads leave some to those who must be known before they may book; of others
one has it and one is next; payments wait for Stripe, too."""
PATIENCE = 3.0
"""Seconds in a line; while pods start beside it, a full machine takes two of them for anything."""
PUBLIC = frozenset({"parking-spots", "reviews"})
WEBHOOK = "payments/webhook"


class Lines:
    """Those of one process."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._prefix = f"{prefix}/"
        connections = settings.database_pool_size
        self._lines = {name: Line(name, max(1, int(each * connections)), PATIENCE) for name, each in AT_ONCE.items()}
        from_zero(SHED, (*AT_ONCE, BODIES))

    def of(self, scope: Scope) -> Line | None:
        """None for what is no part of the API: probes and documentation, which cost next to nothing."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(self._prefix):
            return None
        inner = path[len(self._prefix) :].rstrip("/")
        room = inner.partition("/")[0]
        if inner == WEBHOOK:
            return self._lines[EVENTS]
        if room in PUBLIC and scope["method"] in READING:
            return self._lines[READS]
        return self._lines[room if room in {PAYMENTS, BOOKINGS} else OTHERS]
