"""What may be wrong with a request about bookings."""

from parkingspots.kit.problems import BadRequest, Conflict, Forbidden, NotFound


class BookingNotFound(NotFound):
    title = "Booking not found"
    detail = "There is no such booking of yours. Check the id, or list your bookings."


class SlotTaken(Conflict):
    title = "Slot taken"
    detail = "Time slot is already booked"


class SpotNotOpen(Conflict):
    title = "Spot not open"
    detail = "The spot is not open for all of this time. See its hours and availability."


class SpotUnavailable(Conflict):
    title = "Spot unavailable"
    detail = "The owner does not take bookings of this spot at the moment. Search for another."


class OwnSpot(BadRequest):
    title = "Own spot"
    detail = "This spot is your own. You cannot book it."


class StartsInThePast(BadRequest):
    title = "Starts in the past"
    detail = "The start lies in the past. Choose a later one."


class IllegalTransition(Conflict):
    title = "Not possible now"
    detail = "The booking's status does not allow this. Read it again, then decide."


class AlreadyCancelled(IllegalTransition):
    title = "Already cancelled"
    detail = "The booking is cancelled already. There is nothing left to do."


class IsOver(IllegalTransition):
    title = "Booking is over"
    detail = "The booking is over and cannot be cancelled any more. Write to support if something was wrong."


class NoCheckIn(IllegalTransition):
    title = "No check-in now"
    detail = "Checking in works once, for a confirmed booking, from shortly before its start to its end."


class NoCheckOut(IllegalTransition):
    title = "No check-out now"
    detail = "Checking out works once, for a confirmed booking, from its start on."


class NotPaid(IllegalTransition):
    title = "Not paid"
    detail = "The booking is not paid. It is confirmed by its payment."


class NotPayable(IllegalTransition):
    title = "Not to be paid"
    detail = "There is nothing to pay for this booking: it is paid already, or over. Read it again."


class NotRefunded(IllegalTransition):
    title = "Not refunded"
    detail = "The money has not been given back. Refund the payment; the booking follows."


class NotYours(Forbidden):
    title = "Not yours to decide"
    detail = "You are a party to this booking, but this is not for you to decide."
