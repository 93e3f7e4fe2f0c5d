"""What may be wrong with a request about spots."""

from parkingspots.kit.problems import Conflict, NotFound


class SpotNotFound(NotFound):
    title = "Spot not found"
    detail = "There is no such spot on the market, or none of yours to change. Search for another."


class SpotHasBookings(Conflict):
    title = "Spot has bookings"
    detail = "Bookings of this spot are not over. Cancel them, or wait for their end, then delete it."


class TooManySlots(Conflict):
    title = "Too many slots"
    detail = "This spot has 100 availability slots, the most it may have. Delete some first."
