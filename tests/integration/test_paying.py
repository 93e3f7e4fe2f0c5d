"""Paying for a booking: it is confirmed when the money is there, on whatever road that becomes known."""

from memory_gateway import MemoryGateway
from product import Api, Person


async def test_a_booking_is_confirmed_when_its_renter_has_paid(
    paid_api: Api, money: MemoryGateway, renter: Person, spot: str
) -> None:
    booking = await paid_api.book(renter, spot, 1, 3)
    assert (booking["status"], booking["payment_status"]) == ("pending", "pending")
    intent = await paid_api.post("/payments/create-payment-intent", renter, booking_id=booking["id"])
    assert (intent["amount"], intent["currency"]) == (770, "EUR")
    money.pay(intent["payment_intent_id"])
    path = f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}"
    assert (await paid_api.post(path, renter))["status"] == "succeeded"
    after = await paid_api.get(f"/bookings/{booking['id']}", renter)
    assert (after["status"], after["payment_status"]) == ("confirmed", "completed")
    assert after["receipt"]["last_four"] == "4242"
    (payment,) = await paid_api.get("/payments/my-payments", renter)
    assert (payment["status"], payment["amount"], payment["card_brand"]) == ("completed", 770, "visa")
    cancelled = await paid_api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert cancelled["refund_amount"] == 770
    await paid_api.app.state.errand.done()
    after = await paid_api.get(f"/bookings/{booking['id']}", renter)
    assert (after["status"], after["payment_status"]) == ("cancelled", "refunded")
    assert money.given(intent["payment_intent_id"]) == 770


async def test_an_intent_that_stripe_failed_at_is_made_in_the_end(
    paid_api: Api, money: MemoryGateway, renter: Person, spot: str
) -> None:
    booking = await paid_api.book(renter, spot, 1, 3)
    money.fails = True
    await paid_api.post("/payments/create-payment-intent", renter, expect=503, booking_id=booking["id"])
    money.fails = False
    first = await paid_api.post("/payments/create-payment-intent", renter, booking_id=booking["id"])
    assert await paid_api.post("/payments/create-payment-intent", renter, booking_id=booking["id"]) == first


async def test_an_answer_that_nobody_understands_is_stripes_absence(
    paid_api: Api, money: MemoryGateway, renter: Person, spot: str
) -> None:
    booking = await paid_api.book(renter, spot, 1, 3)
    money.talks_nonsense = True
    await paid_api.post("/payments/create-payment-intent", renter, expect=503, booking_id=booking["id"])
