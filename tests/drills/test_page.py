"""The table of drills in docs/operations.md."""

import pytest

from drills.__main__ import DRILLS
from drills.drill import LEEWAY, Drill, Outcome
from drills.hurried import Hurry
from drills.page import COLUMNS, END, START, replaced

FAST = Hurry(30)
PAGE = f"before\n{START}{END}\nafter\n"
DRILL, OTHER = DRILLS[0], DRILLS[1]
ORDER = [drill.fault for drill in DRILLS]


def outcome(drill: Drill, fired_after: float | None = 7.25) -> Outcome:
    seen = [({"pod": "a"}, 0.0)]
    return Outcome(drill, drill.allowed(FAST), fired_after, 1.0, seen, seen)


def rows(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("| ")][1:]


def test_a_row_says_what_was_promised_and_what_was_measured() -> None:
    (row,) = rows(replaced(PAGE, [outcome(DRILL)], ORDER, FAST))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == len(COLUMNS)
    assert cells[:3] == [
        "PostgreSQL is stopped",
        "[ParkingSpotsDatabaseUnreachable](runbooks/ParkingSpotsDatabaseUnreachable.md) (critical)",
        "2 min 7 s; 7.2 s of 11.0 s at 1/30",
    ]
    assert cells[4] == '`pod="a"` 0'


def test_a_drill_alone_leaves_the_rows_of_the_others_and_the_order() -> None:
    page = replaced(PAGE, [outcome(OTHER)], ORDER, FAST)
    both = rows(replaced(page, [outcome(DRILL)], ORDER, FAST))
    assert [row.split("|")[1].strip() for row in both] == [DRILL.fault, OTHER.fault]
    assert replaced(page, [], ORDER, FAST) == page
    assert rows(replaced(page, [], [DRILL.fault], FAST)) == []


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        replaced("nothing", [], ORDER, FAST)


def test_late_silent_and_strange_alerts_are_flaws() -> None:
    assert outcome(DRILL).all_flaws() == []
    assert outcome(DRILL, DRILL.allowed(FAST) + LEEWAY + 0.1).all_flaws() == ["the alert fired too late"]
    strange = outcome(DRILL)
    strange.strange = frozenset({"ParkingSpotsMailFails"})
    assert strange.all_flaws() == ["an alert of something else fired: ParkingSpotsMailFails"]
