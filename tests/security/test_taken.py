"""What the API takes from clients at all."""

import re
from collections.abc import Iterator
from typing import Any

from operations import DOCUMENT, OPERATIONS

OF_CARDS_AND_ACCOUNTS = re.compile(r"card|cvc|cvv|iban|expir|account_number|sort_code|routing")


def names(schema: Any) -> Iterator[str]:
    """Of every field in the schema and in those that it refers to."""
    match schema:
        case {"$ref": str(reference)}:
            yield from names(DOCUMENT["components"]["schemas"][reference.rsplit("/", 1)[1]])
        case dict():
            yield from schema.get("properties", {})
            for part in schema.values():
                yield from names(part)
        case list():
            for part in schema:
                yield from names(part)


def taken() -> set[str]:
    """The names of all that a client may send."""
    bodies = [operation.described.get("requestBody", {}) for operation in OPERATIONS]
    in_bodies = {name for body in bodies for name in names(body)}
    return in_bodies | {each["name"] for operation in OPERATIONS for each in operation.described.get("parameters", [])}


def test_no_card_and_no_bank_account_is_asked_for() -> None:
    assert {"email", "payment_intent_id", "vehicle_plate"} <= taken()
    assert not [name for name in taken() if OF_CARDS_AND_ACCOUNTS.search(name)]
