"""What is sent in each row of the matrix of who may do what; a row that is not here sends nothing but its path."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from contract import world
from contract.world import DISABLED, PERSON, RefreshToken, Request, email
from product import PASSWORD, SPOT

NEW_PASSWORD = {"new_password": "another horse"}
TIMES = {"start_time": timedelta(hours=96), "end_time": timedelta(hours=97)}
SLOT = {"day_of_week": 5, "start_time": "08:00", "end_time": "09:00"}
REASON = Request({"reason": "Somebody complained."})
UNSEEN = {"If-Match": '"nothing like it"'}


def _spot(body: Mapping[str, Any] | None = None, **rest: Any) -> Request:
    """To a spot that staff has disabled."""
    return Request(body, {"spot_id": world.OWNERS_DISABLED_SPOT}, **rest)


def _booking(booking_id: UUID, **body: Any) -> Request:
    return Request(body or None, {"booking_id": booking_id})


REQUESTS: Mapping[str, Request] = {
    "register": Request({"email": "new@example.com", "password": PASSWORD, "full_name": "New"}),
    "register: e-mail of another": Request({"email": email("renter"), "password": PASSWORD, "full_name": "New"}),
    "login": Request({"email": email("renter"), "password": PASSWORD}),
    "login: wrong password": Request({"email": email("renter"), "password": "wrong horse"}),
    "login: disabled account": Request({"email": email(DISABLED), "password": PASSWORD}),
    "refresh": Request({"refresh_token": RefreshToken("renter")}),
    "refresh: disabled account": Request({"refresh_token": RefreshToken(DISABLED)}),
    "refresh: no token": Request({"refresh_token": "no token"}),
    "logout: token of the renter": Request({"refresh_token": RefreshToken("renter")}, done_by=("renter",)),
    "forgot_password": Request({"email": email("renter")}),
    "forgot_password: disabled account": Request({"email": email(DISABLED)}, done_by=()),
    "reset_password": Request({"token": world.RESET} | NEW_PASSWORD),
    "reset_password: disabled account": Request({"token": world.RESET_OF_DISABLED} | NEW_PASSWORD),
    "reset_password: token to verify": Request({"token": world.VERIFICATION} | NEW_PASSWORD),
    "verify_email": Request({"token": world.VERIFICATION}),
    "verify_email: token to reset": Request({"token": world.RESET}),
    "update_me": Request({"full_name": "New"}),
    "update_me: e-mail of the renter": Request({"email": email("renter")}, done_by=()),
    "update_me: role and id": Request(
        {"role": "admin", "id": PERSON["admin"], "is_active": False, "is_verified": True}, done_by=()
    ),
    "change_password": Request({"current_password": PASSWORD} | NEW_PASSWORD),
    "create_spot": Request(SPOT),
    "read_spot: disabled": _spot(),
    "update_spot": Request({"title": "Another title"}),
    "update_spot: owner, id and state": Request(
        {
            "owner_id": PERSON["other_owner"],
            "id": world.OTHER_OWNERS_SPOT,
            "is_active": False,
            "total_reviews": 100,
            "disabled_at": None,
        },
        done_by=(),
    ),
    "update_spot: seen by nobody": Request({"title": "Another title"}, headers=UNSEEN),
    "update_spot: disabled": _spot({"title": "Another title"}),
    "delete_spot": Request(ids={"spot_id": world.OWNERS_FREE_SPOT}),
    "list_slots: disabled": _spot(),
    "create_slot": Request(SLOT | {"parking_spot_id": world.OTHER_OWNERS_SPOT, "spot_id": world.OTHER_OWNERS_SPOT}),
    "delete_slot: of another spot": Request(ids={"slot_id": world.OTHER_OWNERS_SLOT}),
    "calculate_price": Request({"parking_spot_id": world.OWNERS_SPOT} | TIMES),
    "calculate_price: disabled": Request({"parking_spot_id": world.OWNERS_DISABLED_SPOT} | TIMES),
    "create_booking": Request({"parking_spot_id": world.OWNERS_SPOT} | TIMES),
    "create_booking: disabled": Request({"parking_spot_id": world.OWNERS_DISABLED_SPOT} | TIMES),
    "read_booking: of the other renter": _booking(world.OTHER_RENTERS),
    "change_booking_status: cancel": _booking(world.AHEAD, status="cancelled"),
    "change_booking_status: confirm": _booking(world.UNCONFIRMED, status="confirmed"),
    "change_booking_status: complete": _booking(world.RUNNING, status="completed"),
    "change_booking_status: seen by nobody": Request(
        {"status": "confirmed"}, {"booking_id": world.UNCONFIRMED}, headers=UNSEEN
    ),
    "cancel_booking: of the other renter": _booking(world.OTHER_RENTERS),
    "check_in": _booking(world.NEAR),
    "check_out": _booking(world.RUNNING),
    "create_payment_intent": Request({"booking_id": world.UNCONFIRMED}),
    "create_payment_intent: other renter": Request({"booking_id": world.OTHER_RENTERS}),
    "confirm_payment": Request(query={"payment_intent_id": world.PAID_INTENT}, done_by=()),
    "receive_event: unsigned": Request({"id": "evt_1", "type": "payment_intent.succeeded"}, done_by=()),
    "refund_payment": Request({"payment_id": world.PAYMENT, "amount": 100}),
    "refund_payment: everything": Request({"payment_id": world.PAYMENT}, done_by=()),
    "create_connected_account": Request({"country": "GR", "business_type": "individual"}),
    "create_review": Request({"booking_id": world.COMPLETED, "overall_rating": 5}),
    "create_review: of the other renter": Request({"booking_id": world.OTHER_RENTERS, "overall_rating": 5}),
    "update_review": Request({"overall_rating": 1}),
    "update_review: author, spot and votes": Request(
        {
            "reviewer_id": PERSON["other_renter"],
            "booking_id": world.COMPLETED,
            "parking_spot_id": world.OTHER_OWNERS_SPOT,
            "helpful_count": 100,
            "owner_response": "Excellent.",
        },
        done_by=(),
    ),
    "update_review: seen by nobody": Request({"overall_rating": 1}, headers=UNSEEN),
    "respond_to_review": Request({"response": "Thank you."}),
    "read_any_user: disabled account": Request(ids={"user_id": PERSON[DISABLED]}),
    "disable_user": REASON,
    "disable_user: the admin": Request(REASON.body, {"user_id": PERSON["admin"]}),
    "enable_user": Request(REASON.body, {"user_id": PERSON[DISABLED]}),
    "disable_spot": REASON,
    "enable_spot": _spot(REASON.body),
}
