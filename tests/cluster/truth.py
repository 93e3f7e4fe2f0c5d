"""What must be true once all is over, whatever was done: in the release's database, against what clients were told."""

from cluster.clients import Visitors
from cluster.kube import Namespace
from resilience.truth import RULES

BOOKINGS = """
    SELECT id, spot_id, extract(epoch FROM start_time)::bigint FROM bookings
    WHERE spot_id IN ({}) AND start_time > now()
"""


def flaws(place: Namespace, who: Visitors) -> list[str]:
    """Bookings that were acknowledged are there once, as they were, and no others; all that is counted is right."""
    spots = ", ".join(f"'{spot}'" for spot in who.spots)
    rows = (row.split("|") for row in place.sql(BOOKINGS.format(spots)).splitlines())
    there = {booking: (spot, int(start)) for booking, spot, start in rows}
    found = [
        f"the booking {booking} was acknowledged and is {there.get(booking, 'not there')}"
        for booking, slot in who.booked.items()
        if there.get(booking) != slot
    ]
    if len(there.keys() - who.booked.keys()) > who.unanswered:
        found.append(f"{len(there.keys() - who.booked.keys())} bookings are there of which nobody was told")
    return found + contradictions(place)


def contradictions(place: Namespace) -> list[str]:
    """What the database says in two ways, which differ."""
    counts = place.sql("SELECT " + ", ".join(f"({rule})" for rule in RULES.values())).split("|")
    return [f"{count} {rule}" for rule, count in zip(RULES, counts, strict=True) if count != "0"]
