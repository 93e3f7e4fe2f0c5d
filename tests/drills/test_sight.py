"""What a drill takes for a sign of the fault, on a panel and in a runbook's query."""

import math

import pytest

from drills.__main__ import DRILLS
from drills.drill import Drill
from drills.hurried import TOLD_LATE, Hurry
from drills.sight import RED, Rows, Shown, colour, first_query, told
from monitoring.boards import selectors

FAST = Hurry(30)

every_drill = pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)


@pytest.mark.parametrize(
    ("board", "title", "fine", "bad"),
    [
        ("overview", "Does the database answer?", 1, 0),
        ("cache", "Does Valkey answer?", 1, 0),
        ("overview", "Connections in use", 0.89, 0.9),
        ("business", "Differences in the books", 0, 1),
    ],
)
def test_a_panel_turns_red_where_grafana_would_paint_it_so(board: str, title: str, fine: float, bad: float) -> None:
    panel = Shown(board, title).panel
    query = panel["targets"][0]["expr"]
    assert colour(panel, FAST, query, fine) != RED
    assert colour(panel, FAST, query, bad) == RED


def test_an_age_turns_red_sooner_in_a_hurry() -> None:
    panel = Shown("lifecycle", "Bookings and money: last success").panel
    query, limit = panel["targets"][0]["expr"], 600 / 30 + TOLD_LATE["job"]
    assert colour(panel, FAST, query, limit - 1) != RED
    assert colour(panel, FAST, query, limit) == RED
    assert colour(panel, Hurry(1), query, limit) != RED


def test_what_nobody_knows_is_no_sign() -> None:
    panel = Shown("business", "Differences in the books").panel
    assert colour(panel, FAST, "", math.nan) != RED
    assert Rows({}, above=0).among([({}, math.nan)]) == []


def test_rows_are_told_by_their_labels_and_how_much_they_have() -> None:
    found = [({"function": "bookings.lock"}, 9.0), ({"function": "bookings.add"}, 9.0), ({"function": "a.b"}, 0.0)]
    assert Rows({"function": "bookings.lock"}, above=1).among(found) == found[:1]
    assert Rows({}, equal=0).among(found) == found[2:]
    assert told(found[0]) == '`function="bookings.lock"` 9'
    assert told(({"namespace": "drills"}, 2.0)) == "2"


@every_drill
def test_each_drill_is_of_one_rule_one_panel_and_a_query_whose_rows_can_have_its_labels(drill: Drill) -> None:
    assert drill.rule["alert"] == drill.alert
    assert drill.panel.panel["targets"]
    assert list(selectors(first_query(drill.alert)))
    assert drill.rule["labels"]["severity"] == drill.labels["severity"]
