"""What a row of the log of changes says."""

from typing import Any, cast
from uuid import uuid4

from asyncpg import Record

from parkingspots.kit.changes import change_of
from parkingspots.kit.footprints import Change, Kind

SPOT, OTHER = uuid4(), uuid4()
EMPTY = dict.fromkeys(("subject_id", "subjects", "latitude", "longitude", "born", "starts", "ends"))


def row(kind: str, **more: Any) -> Record:
    return cast("Record", {"xid": 7, "kind": kind, **EMPTY, **more})


def test_a_row_names_the_one_that_changed() -> None:
    assert change_of(row("page", subject_id=SPOT)) == Change(7, Kind.PAGE, (SPOT,))


def test_a_row_that_names_several_spots_is_a_change_of_their_pages() -> None:
    assert change_of(row("everything", subjects=[SPOT, OTHER])) == Change(7, Kind.PAGE, (SPOT, OTHER))


def test_a_row_that_names_none_may_have_changed_everything() -> None:
    assert change_of(row("everything")) == Change(7, Kind.EVERYTHING)


def test_a_kind_of_a_newer_release_may_have_changed_everything_whomever_it_names() -> None:
    assert change_of(row("price", subject_id=SPOT)).kind is Kind.EVERYTHING
    assert change_of(row("prices", subjects=[SPOT, OTHER])).kind is Kind.EVERYTHING
