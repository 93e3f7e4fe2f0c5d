"""How many statements each operation sends to PostgreSQL: as many for six rows of what it lists as for one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest
import stripe
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import WEBHOOK_SECRET
from contract.larger_world import MORE, LargerWorld
from contract.matrix_requests import REQUESTS
from contract.world import PERSON, Request, World
from operations import OPERATIONS, Operation
from parkingspots.settings import Settings
from product import SPOT, Api
from statements import statements

MOST = """
                                          by            statements

read_service                              nobody        0
read_liveness                             nobody        0
read_readiness                            nobody        2
read_health                               nobody        2

register                                  nobody        4
login                                     nobody        4
refresh                                   nobody        1
logout: token of the renter               renter        2
forgot_password                           nobody        4
reset_password                            nobody        7
verify_email                              nobody        4

read_me                                   renter        1
update_me                                 renter        3
export_my_data                            renter        12
delete_me                                 admin         16
change_password                           renter        6
send_verification                         renter        3
list_my_sessions                          renter        3
end_session                               renter        2
end_other_sessions                        renter        3
read_user                                 nobody        1

list_spots                                nobody        1
list_spots: near a place, for a time      nobody        1
search_spots                              nobody        1
search_spots: near a place, for a time    nobody        1
list_my_spots                             owner         3
create_spot                               owner         4
read_spot                                 nobody        1
read_spot                                 renter        3
update_spot                               owner         3
update_spot: moved                        owner         3
delete_spot                               owner         5
list_slots                                nobody        2
create_slot                               owner         4
delete_slot                               owner         3

calculate_price                           nobody        1
create_booking                            renter        5
create_booking: once                      renter        8
list_my_bookings                          renter        3
list_bookings_of_my_spots                 owner         3
read_booking                              renter        2
change_booking_status: cancel             renter        3
change_booking_status: confirm            owner         3
cancel_booking                            renter        3
check_in                                  renter        3
check_out                                 renter        5

create_payment_intent                     renter        12
confirm_payment                           renter        9
receive_event: signed                     nobody        3
refund_payment                            owner         25
list_my_payments                          renter        4
list_my_payouts                           owner         3
summarise_my_earnings                     owner         2
create_connected_account                  owner         6

create_review                             renter        7
list_reviews_of_spot                      nobody        1
list_reviews_of_parking_spot              nobody        1
summarise_reviews_of_spot                 nobody        1
summarise_reviews_of_parking_spot         nobody        1
read_review                               nobody        1
update_review                             renter        7
delete_review                             renter        6
respond_to_review                         owner         4
find_review_helpful                       owner         4

list_users                                admin         2
read_any_user                             admin         2
disable_user                              admin         6
disable_user: an owner                    admin         7
enable_user                               admin         5
list_any_spots                            admin         2
disable_spot                              admin         4
enable_spot                               admin         4
list_acts                                 admin         2
"""
"""A row an operation or a variant of it: who sends it, and how many statements that is at most."""

KEPT = {
    *("list_spots", "search_spots", "read_spot", "list_slots"),
    *("list_reviews_of_spot", "list_reviews_of_parking_spot"),
    *("summarise_reviews_of_spot", "summarise_reviews_of_parking_spot"),
}
EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "created": 1, "data": {"object": {"id": "pi_1"}}}
BY_ID = {operation.id: operation for operation in OPERATIONS}


@dataclass(frozen=True)
class Row:
    """What one request by `who` sends to PostgreSQL at most."""

    name: str
    who: str
    most: int

    @property
    def operation(self) -> Operation:
        return BY_ID[self.name.partition(":")[0]]


def _row(line: str) -> Row:
    name, who, most = re.split(r" {2,}", line)
    return Row(name, who, int(most))


ROWS = [_row(line) for line in MOST.splitlines()[3:] if line]


def variants(api: Api) -> Mapping[str, Request]:
    """What is sent for the rows that the authorization matrix has not."""
    somewhere = {"latitude": str(SPOT["latitude"]), "longitude": str(SPOT["longitude"])}
    signature = stripe.WebhookSignature.generate_signature_header(json.dumps(EVENT), WEBHOOK_SECRET)
    wish = somewhere | {"start_time": api.at(24), "end_time": api.at(25), "q": "athens"}
    return {
        "list_spots: near a place, for a time": Request(query=wish),
        "search_spots: near a place, for a time": Request(query=wish),
        "update_spot: moved": Request({"latitude": 40.6401, "longitude": 22.9444}),
        "create_booking: once": Request(REQUESTS["create_booking"].body, headers={"Idempotency-Key": "a-key"}),
        "receive_event: signed": Request(EVENT, headers={"Stripe-Signature": signature}),
        "disable_user: an owner": Request(REQUESTS["disable_user"].body, {"user_id": PERSON["owner"]}),
    }


async def answered(world: World, row: Row) -> httpx.Response:
    """The answer to the request of a row."""
    request = variants(world.api).get(row.name) or REQUESTS.get(row.name, Request())
    answer = await world.ask(row.operation, request, row.who)
    assert answer.is_success, f"{row.name}: {answer.status_code} {answer.text}"
    return answer


async def sent_for(world: World, row: Row) -> list[str]:
    """The statements of that request."""
    await world.build()
    with statements() as sent:
        await answered(world, row)
    return sent


def test_every_operation_has_a_row() -> None:
    assert {row.operation.id for row in ROWS} == set(BY_ID)
    assert len({(row.name, row.who) for row in ROWS}) == len(ROWS)


async def test_the_larger_world_has_five_more_of_what_is_listed(
    api: Api, session: AsyncSession, settings: Settings
) -> None:
    small, larger = World(api, session, settings), LargerWorld(api, session, settings)
    lists = [row for row in ROWS if row.name.startswith(("list_", "search_"))]
    rows = []
    for world in (small, larger):
        await world.build()
        rows.append([len((await answered(world, row)).json()) for row in lists])
    for row, few, many in zip(lists, *rows, strict=True):
        assert many >= few + MORE, row.name


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row,
            id=f"{row.name} by {row.who}",
        )
        for row in ROWS
    ],
)
async def test_six_rows_take_as_many_statements_as_one_and_no_more_than_the_table_says(
    row: Row, api: Api, session: AsyncSession, settings: Settings
) -> None:
    small, larger = World(api, session, settings), LargerWorld(api, session, settings)
    await sent_for(small, row)  # a new connection sends some of its own
    few, many = await sent_for(small, row), await sent_for(larger, row)
    assert len(many) == len(few), "\n".join(many)
    assert len(few) <= row.most, "\n".join(few)


@pytest.mark.parametrize("who", ["nobody", "other_renter"])
async def test_a_read_that_is_kept_sends_none_the_second_time(
    who: str, keeping_api: Api, session: AsyncSession, settings: Settings
) -> None:
    world = LargerWorld(keeping_api, session, settings)
    await world.build()
    await keeping_api.app.state.follower.catch_up()
    for name in sorted(KEPT):
        with statements() as first:
            loaded = await world.ask(BY_ID[name], Request(), who)
        with statements() as second:
            kept = await world.ask(BY_ID[name], Request(), who)
        assert first, name
        assert not second, f"{name}: {second}"
        assert kept.content == loaded.content
