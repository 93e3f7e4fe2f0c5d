"""Who may do what: every operation of the OpenAPI document, asked by everybody, in one table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from contract.matrix_requests import REQUESTS
from contract.world import DISABLED, NOBODY, PEOPLE, PERSON, SECRETS, Request, World
from operations import Operation
from parkingspots.app import create
from parkingspots.settings import Settings
from product import Api

MATRIX = """
                                           nobody  renter  other_renter  owner  other_owner  admin  disabled

read_service                               200     200     200           200    200          200    200
read_liveness                              200     200     200           200    200          200    200
read_readiness                             200     200     200           200    200          200    200
read_health                                200     200     200           200    200          200    200

register                                   201     201     201           201    201          201    201
register: e-mail of another                409     409     409           409    409          409    409
login                                      200     200     200           200    200          200    200
login: wrong password                      401     401     401           401    401          401    401
login: disabled account                    403     403     403           403    403          403    403
refresh                                    200     200     200           200    200          200    200
refresh: disabled account                  401     401     401           401    401          401    401
refresh: no token                          401     401     401           401    401          401    401
logout: token of the renter                401     200     200           200    200          200    401
forgot_password                            200     200     200           200    200          200    200
forgot_password: disabled account          200     200     200           200    200          200    200
reset_password                             200     200     200           200    200          200    200
reset_password: disabled account           400     400     400           400    400          400    400
reset_password: token to verify            400     400     400           400    400          400    400
verify_email                               200     200     200           200    200          200    200
verify_email: token to reset               400     400     400           400    400          400    400

read_me                                    401     200     200           200    200          200    401
update_me                                  401     200     200           200    200          200    401
update_me: e-mail of the renter            401     200     409           409    409          409    401
update_me: role and id                     401     200     200           200    200          200    401
export_my_data                             401     200     200           200    200          200    401
delete_me                                  401     409     409           409    409          200    401
change_password                            401     200     200           200    200          200    401
send_verification                          401     200     200           200    200          200    401
list_my_sessions                           401     200     200           200    200          200    401
end_session                                401     200     404           404    404          404    401
end_other_sessions                         401     200     200           200    200          200    401
read_user                                  200     200     200           200    200          200    200

list_spots                                 200     200     200           200    200          200    200
search_spots                               200     200     200           200    200          200    200
list_my_spots                              401     200     200           200    200          200    401
create_spot                                401     201     201           201    201          201    401
read_spot                                  200     200     200           200    200          200    200
read_spot: disabled                        404     404     404           200    404          404    404
update_spot                                401     404     404           200    404          404    401
update_spot: owner, id and state           401     404     404           200    404          404    401
update_spot: seen by nobody                401     404     404           412    404          404    401
update_spot: disabled                      401     404     404           200    404          404    401
delete_spot                                401     404     404           200    404          404    401
delete_spot: booked                        401     404     404           409    404          404    401
list_slots                                 200     200     200           200    200          200    200
list_slots: disabled                       404     404     404           200    404          404    404
create_slot                                401     404     404           201    404          404    401
delete_slot                                401     404     404           200    404          404    401
delete_slot: of another spot               401     404     404           404    404          404    401

calculate_price                            200     200     200           200    200          200    200
calculate_price: disabled                  404     404     404           404    404          404    404
create_booking                             401     201     201           400    201          201    401
create_booking: disabled                   401     404     404           404    404          404    401
list_my_bookings                           401     200     200           200    200          200    401
list_bookings_of_my_spots                  401     200     200           200    200          200    401
read_booking                               401     200     404           200    404          200    401
read_booking: of the other renter          401     404     200           404    200          200    401
change_booking_status: cancel              401     200     404           200    404          200    401
change_booking_status: confirm             401     403     404           200    404          200    401
change_booking_status: complete            401     403     404           403    404          200    401
change_booking_status: seen by nobody      401     403     404           412    404          412    401
cancel_booking                             401     200     404           200    404          200    401
cancel_booking: of the other renter        401     404     200           404    200          200    401
check_in                                   401     200     404           403    404          200    401
check_out                                  401     200     404           403    404          200    401

create_payment_intent                      401     200     404           403    404          403    401
create_payment_intent: other renter        401     404     409           404    403          403    401
confirm_payment                            401     200     404           404    404          404    401
receive_event: unsigned                    400     400     400           400    400          400    400
refund_payment                             401     403     404           200    404          200    401
refund_payment: everything                 401     403     404           409    404          409    401
list_my_payments                           401     200     200           200    200          200    401
list_my_payouts                            401     200     200           200    200          200    401
summarise_my_earnings                      401     200     200           200    200          200    401
create_connected_account                   401     409     409           200    200          200    401

create_review                              401     201     404           403    404          403    401
create_review: of the other renter         401     404     409           404    403          403    401
list_reviews_of_spot                       200     200     200           200    200          200    200
list_reviews_of_parking_spot               200     200     200           200    200          200    200
summarise_reviews_of_spot                  200     200     200           200    200          200    200
summarise_reviews_of_parking_spot          200     200     200           200    200          200    200
read_review                                200     200     200           200    200          200    200
update_review                              401     200     404           403    404          403    401
update_review: author, spot and votes      401     200     404           403    404          403    401
update_review: seen by nobody              401     412     404           403    404          403    401
delete_review                              401     200     404           403    404          200    401
respond_to_review                          401     403     404           200    404          403    401
find_review_helpful                        401     200     200           200    200          200    401

list_users                                 401     403     403           403    403          200    401
read_any_user                              401     403     403           403    403          200    401
read_any_user: disabled account            401     403     403           403    403          200    401
disable_user                               401     403     403           403    403          200    401
disable_user: the admin                    401     403     403           403    403          400    401
enable_user                                401     403     403           403    403          200    401
list_any_spots                             401     403     403           403    403          200    401
disable_spot                               401     403     403           403    403          200    401
enable_spot                                401     403     403           403    403          200    401
list_acts                                  401     403     403           403    403          200    401
"""
"""A row an operation or a variant of it, a cell a person: the answer. matrix_requests.py says what is sent."""

BAD_CREDENTIALS = {"login: wrong password", "refresh: disabled account", "refresh: no token"}
"""In the body, where everybody may send them."""


@dataclass(frozen=True)
class Row:
    """What one request is answered, by whoever sends it."""

    name: str
    answers: Mapping[str, int]

    @property
    def operation(self) -> str:
        return self.name.partition(":")[0]

    @property
    def request(self) -> Request:
        return REQUESTS.get(self.name, Request())


def rows() -> list[Row]:
    _, header, *lines = MATRIX.split("\n")
    assert tuple(header.split()) == PEOPLE
    parted = [re.split(r"\s{2,}", line) for line in lines if line]
    return [Row(name, dict(zip(PEOPLE, map(int, cells), strict=True))) for name, *cells in parted]


ROWS = rows()


@pytest.fixture(scope="module")
def operations() -> dict[str, Operation]:
    """Those that the application serves, by id."""
    paths: dict[str, Any] = create(Settings.model_construct()).openapi()["paths"]
    served = [
        Operation(described["operationId"], method.upper(), path, described)
        for path, item in paths.items()
        for method, described in item.items()
    ]
    return {operation.id: operation for operation in served}


@pytest.fixture
async def world(api: Api, session: AsyncSession, settings: Settings) -> World:
    world = World(api, session, settings)
    await world.build()
    return world


def test_the_matrix_has_a_row_for_every_operation_and_no_row_without_one(operations: dict[str, Operation]) -> None:
    assert {row.operation for row in ROWS} == set(operations)


def test_the_matrix_has_a_cell_for_everybody() -> None:
    assert sum(len(row.answers) for row in ROWS) == len(ROWS) * len(PEOPLE) >= 600
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert set(REQUESTS) <= {row.name for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_everybody_gets_what_the_matrix_says_and_who_is_refused_changes_nothing(
    row: Row, world: World, operations: dict[str, Operation]
) -> None:
    operation, wrong = operations[row.operation], []
    before = await world.digest()
    for who, expected in row.answers.items():
        answer = await world.ask(operation, row.request, who)
        if answer.status_code != expected:
            wrong.append(f"{row.name} by {who}: {answer.status_code}, not {expected}: {answer.text}")
        if told := [secret for secret, known_to in SECRETS.items() if secret in answer.text and who not in known_to]:
            wrong.append(f"{row.name} by {who} tells {told}")
        if await world.digest() != before:
            if expected >= 400 or operation.method == "GET" or who not in row.request.done_by:
                wrong.append(f"{row.name} by {who} has changed something")
            await world.build()
            before = await world.digest()
    assert not wrong, "\n".join(wrong)


def test_401_is_for_a_missing_or_bad_credential_only() -> None:
    for row in ROWS:
        refused = {who for who, status in row.answers.items() if status == 401}
        assert refused in (set(), {NOBODY, DISABLED}) or row.name in BAD_CREDENTIALS, row.name


def test_who_needs_a_token_in_the_document_is_refused_without_and_nobody_else(operations: dict[str, Operation]) -> None:
    needing = {name for name, operation in operations.items() if operation.needs_token}
    for row in ROWS:
        if row.name not in BAD_CREDENTIALS:
            assert (row.answers[NOBODY] == 401) == (row.operation in needing), row.name
            assert row.answers[DISABLED] == row.answers[NOBODY], row.name


def test_what_belongs_to_somebody_else_is_404_and_never_403(operations: dict[str, Operation]) -> None:
    for row in ROWS:
        strangers = ("renter", "owner") if row.name.endswith("other renter") else ("other_renter", "other_owner")
        if operations[row.operation].described["tags"] != ["staff"] and row.operation != "login":
            assert 403 not in {row.answers[who] for who in strangers}, row.name


def test_staff_only_is_403_for_everybody_else_who_is_signed_in(operations: dict[str, Operation]) -> None:
    for row in ROWS:
        if operations[row.operation].described["tags"] == ["staff"]:
            assert {row.answers[who] for who in PEOPLE if who not in {NOBODY, DISABLED, "admin"}} == {403}, row.name


def test_every_answer_of_the_matrix_is_one_that_the_document_names(operations: dict[str, Operation]) -> None:
    for row in ROWS:
        assert set(map(str, row.answers.values())) <= set(operations[row.operation].described["responses"]), row.name


@pytest.mark.parametrize("name", ["create_spot", "create_booking", "create_review"])
async def test_what_is_made_is_the_senders_whomever_the_body_names(
    name: str, world: World, operations: dict[str, Operation]
) -> None:
    good = dict(REQUESTS[name].body or {})
    forged = dict.fromkeys(("owner_id", "user_id", "reviewer_id", "id"), PERSON["other_renter"])
    answer = await world.ask(operations[name], Request(good | forged | {"status": "refunded"}), "renter")
    assert answer.status_code == 201
    made = answer.json()
    assert {made.get("reviewer_id"), made.get("user_id"), made.get("owner_id")} == {str(PERSON["renter"]), None}
    assert made["id"] != str(PERSON["other_renter"])
    assert made.get("status") in {None, "confirmed"}
