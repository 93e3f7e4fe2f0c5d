"""Fields that nobody was asked for: whoever sends them changes nothing by it, wherever they are sent."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import TABLES, Record
from operations import DOCUMENT, OPERATIONS, Operation
from parkingspots.kit.tables import Base
from product import PASSWORD, SPOT, Api, Person

MARK = "5ec0a7d1-0bad-4bad-8bad-5ec0a7d10bad"
"""Stands in every field that was not asked for: an id, and a text that nothing else has in it."""
COLUMNS = {column.name for table in Base.metadata.tables.values() for column in table.columns}
ALSO = {
    "is_admin",
    "admin",
    "permissions",
    "scope",
    "user",
    "owner",
    "password_hash",
    "__proto__",
    "constructor",
    "_id",
}
SLOT = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00"}
BY_ID = {operation.id: operation for operation in OPERATIONS}
NEW = "another horse"


def known(operation: Operation) -> set[str]:
    """The fields that the operation's JSON body may have."""
    schema = operation.described["requestBody"]["content"]["application/json"]["schema"]
    named = next((each["$ref"] for each in (schema, *schema.get("anyOf", [])) if "$ref" in each), None)
    schema = schema if named is None else DOCUMENT["components"]["schemas"][named.rsplit("/", 1)[1]]
    return set(schema["properties"])


def unasked(operation: Operation) -> dict[str, Any]:
    return dict.fromkeys((COLUMNS | ALSO) - known(operation), MARK)


async def rows(session: AsyncSession) -> str:
    """All that the product has stored, as text."""
    found = [await session.scalars(text(f"SELECT t::text FROM {table} t")) for table in ("audit_log", *TABLES)]
    return "\n".join(row for each in found for row in each)


class Sender:
    """Sends every operation with all the fields that it does not know."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.sent: set[str] = set()

    async def __call__(
        self, name: str, who: Person | None = None, *, ids: dict[str, str] | None = None, **body: Any
    ) -> Any:
        operation = BY_ID[name]
        headers = who.headers if who else {}
        answer = await self.api.client.request(
            operation.method, operation.url(**(ids or {})), headers=headers, json=unasked(operation) | body
        )
        assert answer.status_code < 300, (name, answer.text)
        assert MARK not in answer.text
        self.sent.add(name)
        return answer.json()


async def test_fields_that_nobody_was_asked_for_change_nothing_anywhere(
    api: Api, session: AsyncSession, admin: Person, record: Record
) -> None:
    send = Sender(api)
    people = {}
    for name, role in (("maria", "owner"), ("nikos", "renter")):
        address = f"{name}@example.com"
        user = await send("register", email=address, password=PASSWORD, full_name=name, role=role)
        assert (user["role"], user["is_active"], user["is_verified"]) == (role, True, False)
        tokens = await send("login", email=address, password=PASSWORD)
        people[name] = Person(user["id"], address, tokens["access_token"], tokens["refresh_token"])
    maria, nikos = people.values()
    await send("update_me", nikos, full_name="Nikos")
    await send("change_password", nikos, current_password=PASSWORD, new_password=NEW)
    await send("forgot_password", email=nikos.email)

    listed = await send("create_spot", maria, **SPOT)
    spot = {"spot_id": listed["id"]}
    await send("update_spot", maria, ids=spot, hourly_rate=400)
    await send("create_slot", maria, ids=spot, **SLOT | {"is_available": False})
    seen = await api.get(f"/parking-spots/{listed['id']}")
    assert (seen["owner_id"], seen["is_active"], seen["total_bookings"], seen["total_reviews"]) == (
        maria.id,
        True,
        0,
        0,
    )

    times: dict[str, Any] = {"start_time": api.at(14), "end_time": api.at(15)}
    await send("calculate_price", parking_spot_id=listed["id"], **times)
    booked = await send("create_booking", nikos, parking_spot_id=listed["id"], **times)
    assert (booked["user_id"], booked["total_amount"], booked["owner_payout"]) == (nikos.id, 440, 400)
    booking = {"booking_id": booked["id"]}
    await send("cancel_booking", nikos, ids=booking)
    other = await api.book(nikos, listed["id"], 16, 17)
    await send("change_booking_status", nikos, ids={"booking_id": other["id"]}, status="cancelled")

    renter = await api.sign_in("", "renter@example.com")
    reviewed = await send("create_review", renter, booking_id=await record("completed", -3, -1), overall_rating=3)
    review = {"review_id": reviewed["id"]}
    await send("update_review", renter, ids=review, overall_rating=2)
    await send("respond_to_review", await api.sign_in("", "owner@example.com"), ids=review, response="Sorry.")
    assert (await api.get(f"/reviews/{reviewed['id']}"))["helpful_count"] == 0

    for name, ids in (("user", {"user_id": nikos.id}), ("spot", spot)):
        await send(f"disable_{name}", admin, ids=ids, reason="Somebody complained.")
        await send(f"enable_{name}", admin, ids=ids, reason="It was nothing.")
    fresh = await send("refresh", refresh_token=maria.refresh_token)
    await send("logout", maria, refresh_token=fresh["refresh_token"])

    assert MARK not in await rows(session)
    assert {"role"} <= unasked(BY_ID["update_me"]).keys()
    assert {name for name, each in BY_ID.items() if each.takes_body} - send.sent == ELSEWHERE


ELSEWHERE = {"reset_password", "verify_email", "create_payment_intent", "refund_payment", "create_connected_account"}
"""What takes a token out of a letter, or money; their bodies are of the same kind, as the next test says."""


def test_no_body_speaks_of_what_is_not_its_senders_to_say() -> None:
    not_theirs = {
        "id",
        "owner_id",
        "user_id",
        "is_active",
        "is_verified",
        "total_bookings",
        "payment_status",
        "helpful_count",
    }
    for operation in BY_ID.values():
        if operation.takes_body:
            assert not known(operation) & (not_theirs | {"service_fee", "owner_payout", "average_rating"}), operation.id
    assert {name for name, each in BY_ID.items() if each.takes_body and "role" in known(each)} == {"register"}
    assert {name for name, each in BY_ID.items() if each.takes_body and "status" in known(each)} == {
        "change_booking_status"
    }
