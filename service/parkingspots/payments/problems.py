"""What may be wrong with a request about payments."""

from parkingspots.kit.problems import BadRequest, Conflict, Forbidden, NotFound, Problem, Unavailable


class PaymentNotFound(NotFound):
    title = "Payment not found"
    detail = "There is no such payment of yours. Check the id, or list your payments."


class Declined(Problem):
    status, title = 402, "Payment declined"
    detail = "The card was declined. Pay with another card; the booking waits for it."


class AuthenticationNeeded(Conflict):
    title = "Authentication needed"
    detail = "The card's bank wants the payment to be authenticated (3-D Secure). Do that, then confirm again."


class NotPaidYet(Conflict):
    title = "Not paid yet"
    detail = "No card has been charged yet. Pay with the client secret of the payment intent, then confirm again."


class PaidTooLate(Conflict):
    title = "Paid too late"
    detail = "The booking was over when the payment came. All of the money goes back; book again if you like."


class NotAnOwner(Conflict):
    title = "Not an owner"
    detail = "Payouts go to those who rent out spots. List a spot first."


class Refused(Conflict):
    title = "Refused by the payment provider"
    detail = "The payment provider does not do this."


class NothingToRefund(Conflict):
    title = "Nothing to refund"
    detail = "So much was not paid, or it has been given back already. See the payment's refunded_amount."


class StillBooked(Conflict):
    title = "Still booked"
    detail = "The booking stands, and what stands is paid. Cancel it, and the money goes back by its policy."


class StillOwed(Conflict):
    title = "Still owed"
    detail = (
        "Money that your spots have earned is yet to be paid to you. Open your account for payouts, and delete this "
        "one when it has come."
    )


class NotYoursToRefund(Forbidden):
    title = "Not yours to refund"
    detail = "The owner of the spot or an admin gives money back. Cancel the booking, and its policy says how much."


class PaymentsAway(Unavailable):
    title = "Payments unavailable"
    detail = "The payment provider cannot be reached right now. Nothing is lost: please try again in a few seconds."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


class PaymentsOff(Conflict):
    title = "Payments are off"
    detail = "Payments are switched off on this server: bookings are confirmed without."


class NoWebhook(NotFound):
    detail = "There is no webhook here: no webhook secret is configured."


class NotAnEvent(BadRequest):
    title = "Not an event"
    detail = "The body is signed, but it is no event of Stripe's."


class BadSignature(Problem):
    status, title = 400, "Bad signature"
    detail = "The Stripe-Signature header does not fit the body, or is too old. Check the endpoint's webhook secret."
