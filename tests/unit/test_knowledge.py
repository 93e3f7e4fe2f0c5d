"""What a process has heard of changes."""

import random
from uuid import UUID, uuid4

from parkingspots.kit.changes import Snapshot
from parkingspots.kit.footprints import Change, Kind, Subjects
from parkingspots.kit.knowledge import LAG, MOST_CHANGES, MOST_SUBJECTS, Knowledge

SPOT, OTHER = uuid4(), uuid4()
PAGE = Subjects(frozenset({Kind.PAGE}), frozenset({SPOT}))
BEFORE = Snapshot.of("10:10:")
SPAN = 600.0


def change(xid: int, spot: UUID = SPOT) -> Change:
    return Change(xid, Kind.PAGE, (spot,))


def knowing(*changes: Change, at: float = 1_000.0) -> Knowledge:
    knowledge = Knowledge(SPAN)
    knowledge.start(at - 100)
    knowledge.learn(Snapshot.of("20:20:"), changes, at)
    return knowledge


def test_a_snapshot_shows_what_had_ended_by_then() -> None:
    snapshot = Snapshot.of("10:20:12,15")
    assert [xid for xid in range(8, 22) if not snapshot.shows(xid)] == [12, 15, 20, 21]


def test_an_answer_stands_until_something_is_heard_that_it_did_not_see() -> None:
    assert knowing().stands(PAGE, BEFORE.shows)
    assert knowing(change(9), change(11, OTHER)).stands(PAGE, BEFORE.shows)
    assert not knowing(change(11)).stands(PAGE, BEFORE.shows)


def test_a_transaction_that_was_running_when_the_answer_was_loaded_touches_it_once_it_has_ended() -> None:
    loaded_while_it_ran = Snapshot.of("9:12:9")
    assert not knowing(change(9)).stands(PAGE, loaded_while_it_ran.shows)


def test_what_was_heard_of_before_is_not_looked_at_again() -> None:
    knowledge = knowing(change(11))
    assert knowledge.stands(PAGE, BEFORE.shows, heard=knowledge.version)
    knowledge.learn(Snapshot.of("21:21:"), [change(20)], 1_001.0)
    assert not knowledge.stands(PAGE, BEFORE.shows, heard=1)


def test_a_change_is_remembered_for_the_whole_span() -> None:
    knowledge, loaded_at = knowing(change(11), at=1_000.0), 1_000.0
    for second in range(1, int(SPAN)):
        knowledge.learn(Snapshot.of("20:20:"), (), 1_000.0 + second)
        assert knowledge.covers(loaded_at)
        assert not knowledge.stands(PAGE, BEFORE.shows)


def test_what_is_forgotten_is_not_trusted_either() -> None:
    knowledge = knowing(change(11))
    for second in range(0, int(3 * SPAN), 10):
        knowledge.learn(Snapshot.of("20:20:"), (), 1_000.0 + second)
    assert knowledge.stands(PAGE, BEFORE.shows)
    assert not knowledge.covers(1_000.0)


def test_an_answer_from_before_the_first_look_is_not_trusted() -> None:
    knowledge = Knowledge(SPAN)
    knowledge.start(1_000.0)
    assert not knowledge.covers(1_000.0)
    assert knowledge.covers(1_000.0 + LAG)


def test_a_flood_of_changes_is_forgotten_with_the_answers_that_rest_on_it() -> None:
    knowledge = knowing()
    flood = [change(xid, OTHER) for xid in range(100, 100 + 1_000)]
    for second in range(5 * MOST_CHANGES // len(flood)):
        knowledge.learn(Snapshot.of("9999:9999:"), flood, 1_001.0 + second / 100)
    assert sum(len(heard) for heard in knowledge._older.heard.values()) <= MOST_CHANGES + len(flood)
    assert sum(len(heard) for heard in knowledge._recent.heard.values()) <= MOST_CHANGES + len(flood)
    assert not knowledge.covers(1_000.0)


def test_many_spots_in_few_changes_are_a_flood_too() -> None:
    knowledge = knowing()
    many = Change(11, Kind.PAGE, tuple(uuid4() for _ in range(MOST_SUBJECTS // 10)))
    for second in range(30):
        knowledge.learn(Snapshot.of("9999:9999:"), [many], 1_001.0 + second / 100)
    assert sum(len(heard) for heard in knowledge._older.heard.values()) <= MOST_SUBJECTS + len(many.subjects)
    assert not knowledge.covers(1_000.0)


def test_asking_now_and_again_finds_what_asking_once_would_have() -> None:
    """An answer that is checked after each look falls with the first change that touches it."""
    source = random.Random(2040)
    for _ in range(100):
        knowledge, checked, stands = knowing(), 0, True
        for look in range(10):
            heard = [change(source.randrange(5, 40), source.choice((SPOT, OTHER))) for _ in range(source.randrange(3))]
            knowledge.learn(Snapshot.of("50:50:"), heard, 1_001.0 + look)
            stands = stands and knowledge.stands(PAGE, BEFORE.shows, checked)
            assert stands is knowledge.stands(PAGE, BEFORE.shows)
            checked = knowledge.version
