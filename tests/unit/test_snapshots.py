"""What a look has seen is said up to the highest transaction that the log names: later ids may be given again."""

import random

import pytest

from parkingspots.kit.changes import Snapshot


@pytest.mark.parametrize(
    ("seen", "highest", "kept"),
    [
        ("10:20:", 14, "15:15:"),
        ("10:20:12,17", 14, "12:15:12"),
        ("10:20:12,14", 14, "12:15:12,14"),
        ("10:20:17", 14, "15:15:"),
        ("10:20:12", 19, "12:20:12"),
        ("10:20:12", 99, "12:20:12"),
        ("10:20:", 0, "1:1:"),
    ],
)
def test_nothing_beyond_the_log_counts_as_seen(seen: str, highest: int, kept: str) -> None:
    assert Snapshot.of(seen).up_to(highest) == Snapshot.of(kept)


def test_of_what_the_log_names_the_same_counts_as_seen_and_of_the_rest_nothing() -> None:
    source = random.Random(20400102)
    for _ in range(1_000):
        first, following = sorted(source.choices(range(10, 30), k=2))
        highest = source.randrange(40)
        running = sorted(source.sample(range(first, following), source.randint(0, following - first)))
        seen = Snapshot.of(f"{first}:{following}:{','.join(map(str, running))}")
        kept = seen.up_to(highest)
        for xid in range(1, 50):
            assert kept.shows(xid) == (xid <= highest and seen.shows(xid)), (seen, highest)
