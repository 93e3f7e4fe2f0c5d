"""OpenAPI's links: which operations take what an answer has just named, so that clients and tests can go on from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Way:
    """From an answer to `targets` (operation ids): each parameter's place in the answer's body, as a JSON pointer."""

    parameters: Mapping[str, str]
    targets: tuple[str, ...]


OF_A_SPOT = ("list_slots", "list_reviews_of_spot", "summarise_reviews_of_spot")

WAYS: Mapping[str, tuple[Way, ...]] = {
    "register": (Way({"user_id": "/id"}, ("read_user",)),),
    "list_my_sessions": (Way({"session_id": "/0/id"}, ("end_session",)),),
    "create_spot": (
        Way({"spot_id": "/id"}, ("read_spot", "update_spot", "delete_spot", "create_slot", *OF_A_SPOT)),
        Way({"user_id": "/owner_id"}, ("read_user",)),
    ),
    "create_slot": (Way({"spot_id": "/parking_spot_id", "slot_id": "/id"}, ("delete_slot",)),),
    "create_booking": (
        Way(
            {"booking_id": "/id"},
            ("read_booking", "change_booking_status", "cancel_booking", "check_in", "check_out"),
        ),
        Way({"spot_id": "/parking_spot_id"}, ("read_spot",)),
    ),
    "create_review": (
        Way(
            {"review_id": "/id"},
            ("read_review", "update_review", "delete_review", "respond_to_review", "find_review_helpful"),
        ),
        Way({"spot_id": "/parking_spot_id"}, OF_A_SPOT),
    ),
}
"""By the operation whose success is the answer."""


def links(operation_id: str) -> dict[str, dict[str, Any]]:
    """The `links` of an operation's success, by the target's id; empty where nothing follows from it."""
    return {
        target: {
            "operationId": target,
            "parameters": {name: f"$response.body#{pointer}" for name, pointer in way.parameters.items()},
        }
        for way in WAYS.get(operation_id, ())
        for target in way.targets
    }
