"""How figures, lines and orders look."""

import pytest

from monitor.pages import Process
from parkingspots.monitor import words
from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.figures import UNKNOWN, Figures
from parkingspots.monitor.history import MINUTES, History
from parkingspots.monitor.order import Order
from parkingspots.monitor.samples import read
from parkingspots.monitor.sparkline import sparkline
from parkingspots.monitor.watched import Pod

TITLES = [column.title for column in COLUMNS]


@pytest.mark.parametrize(
    ("said", "words_"),
    [
        (words.number(0.417), "0.42"),
        (words.number(41.66), "41.7"),
        (words.number(3), "3"),
        (words.number(12_345.6), "12,346"),
        (words.seconds(0.000_25), "250 µs"),
        (words.seconds(0.004_2), "4.20 ms"),
        (words.seconds(1.5), "1.50 s"),
        (words.age(41), "41 s"),
        (words.age(119), "119 s"),
        (words.age(720), "12 min"),
        (words.age(3 * 86_400), "3 d"),
        (words.share(0), "0 %"),
        (words.share(0.0004), "0.04 %"),
        (words.share(0.99999), "99.9 %"),
        (words.share(1), "100 %"),
        (words.size(123e6), "123 MB"),
        (words.size(1.5e9), "1.50 GB"),
        (words.of(3, 10), "3/10"),
    ],
)
def test_a_figure_reads(said: str, words_: str) -> None:
    assert said == words_


def test_what_nobody_knows_is_a_dash_in_every_column() -> None:
    assert {column.text(UNKNOWN) for column in COLUMNS} == {words.NOBODY_KNOWS}


@pytest.mark.parametrize(
    ("height", "rows"),
    [(1, ["▁▄█ "]), (2, ["  █ ", "▁██ "])],
)
def test_a_line_is_as_high_as_its_highest_value(height: int, rows: list[str]) -> None:
    assert sparkline([0, 4, 8, None], height) == rows


def test_a_line_keeps_its_shape_as_it_moves() -> None:
    history = History(interval=2)
    lines = []
    for number in range(400):
        history.take(Figures(requests_per_second=float(number % 17)))
        lines.append(history.highest(lambda it: it.requests_per_second, 20))
    looks = 8  # a column: 150 go into 20 columns
    assert lines[-1][1:-1] == lines[-1 - looks][2:]


def test_a_line_forgets_what_is_older_than_minutes() -> None:
    history = History(interval=60)
    history.take(Figures(requests_per_second=99))
    for _ in range(MINUTES):
        history.take(Figures(requests_per_second=1))
    assert set(history.highest(lambda it: it.requests_per_second, 10)) == {None, 1}


def test_pods_are_ordered_by_a_column_and_those_of_whom_it_is_unknown_come_last() -> None:
    pods = [Pod(name, 2.0) for name in ("b", "c", "a", "silent")]
    for pod, memory in zip(pods, (200e6, 100e6, 300e6), strict=False):
        process = Process()
        process.gauges["process_resident_memory_bytes", "", ""] = memory
        pod.answered(read(process.page()), 0.0)
    by_memory = Order().by(TITLES.index("memory") + 1)
    assert [pod.name for pod in Order().sorted(pods)] == ["a", "b", "c", "silent"]
    assert [pod.name for pod in by_memory.sorted(pods)] == ["a", "b", "c", "silent"]
    assert [pod.name for pod in by_memory.by(by_memory.column).sorted(pods)] == ["c", "b", "a", "silent"]


def test_orders_go_round() -> None:
    order = Order()
    assert order.titles[0] == "pod ▲"
    assert order.moved(-1).titles[-1] == "version ▲"
    assert order.moved(1).titles[1] == "req/s ▼"
    assert order.moved(-1).moved(1) == order
