"""Taking a slot."""

from product import Api, Person


async def test_the_second_of_two_overlapping_bookings_is_refused(api: Api, spot: str, renter: Person, other_renter: Person) -> None:
    await api.book(renter, spot, 1, 3)
    answer = await api.book(other_renter, spot, 2, 4, expect=409)
    assert answer["detail"] == "Time slot is already booked"


async def test_a_booking_may_begin_when_another_ends(api: Api, spot: str, renter: Person, other_renter: Person) -> None:
    await api.book(renter, spot, 1, 3)
    await api.book(other_renter, spot, 3, 4)
    await api.book(other_renter, spot, 0.5, 1)
