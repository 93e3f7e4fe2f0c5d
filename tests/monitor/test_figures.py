"""What pages amount to: rates, shares, totals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.pages import GET, POST, Process
from parkingspots.monitor.by_route import by_route
from parkingspots.monitor.figures import UNKNOWN, Figures
from parkingspots.monitor.samples import NoPage, Page, Series, read
from parkingspots.monitor.sight import together
from parkingspots.monitor.unbroken import Unbroken
from parkingspots.monitor.watched import Pod, Watched

JOB_AGE = "parkingspots_job_last_success_age_seconds"
BUILD = "parkingspots_build_info"


def seen(*pages: str, every: float = 2.0) -> Pod:
    """A pod that showed these pages, one look after the other."""
    pod = Pod("pod", every)
    for number, page in enumerate(pages):
        pod.answered(read(page), number * every)
    return pod


def total(*pods: Pod) -> Figures:
    of_all = Watched("All", 2.0)
    of_all.see(together([pod.sight for pod in pods]))
    return of_all.figures


def test_requests_a_second_are_what_was_counted_between_two_looks() -> None:
    process = Process()
    process.ask(times=5)
    before = process.page()
    process.ask(times=30)
    process.ask(POST, 201, times=10)
    assert seen(before, process.page()).figures.requests_per_second == pytest.approx(20)


def test_one_look_tells_what_is_and_not_how_fast() -> None:
    process = Process()
    process.ask(times=5)
    process.gauges["process_resident_memory_bytes", "", ""] = 123e6
    figures = seen(process.page()).figures
    assert figures.memory_bytes == 123e6
    assert figures.requests_per_second is None


def test_rates_are_of_the_last_ten_seconds() -> None:
    process = Process()
    pages = [process.page()]
    process.ask(times=1000)
    pages.extend([process.page()] * 8)
    assert seen(*pages).figures.requests_per_second == 0
    assert seen(*pages[:3]).figures.requests_per_second == pytest.approx(250)


def test_nothing_asked_yet_is_0_and_a_metric_that_is_absent_is_unknown() -> None:
    process = Process()
    figures = seen(process.page(), process.page()).figures
    assert figures.requests_per_second == 0
    assert figures.error_share is None
    assert figures.cpu_cores is None
    assert figures.job_age_seconds is None


def test_errors_are_the_share_of_5xx() -> None:
    process = Process()
    before = process.page()
    process.ask(times=96)
    process.ask(status=404, times=2)
    process.ask(status=503, times=2)
    assert seen(before, process.page()).figures.error_share == pytest.approx(0.02)


def test_what_the_monitor_asks_itself_is_no_traffic() -> None:
    process = Process()
    before = process.page()
    process.ask(("GET", "/metrics"), times=7)
    process.durations["GET", "/metrics"] = {1.0: 7, math.inf: 0}
    pod = seen(before, process.page())
    assert pod.figures.requests_per_second == 0
    assert pod.figures.latency_p50_seconds is None
    assert not by_route(pod.sight)


def test_cache_hits_are_reads_that_cost_the_database_nothing() -> None:
    process = Process()
    before = process.page()
    process.reads |= {"hit": 80, "shared": 10, "miss": 6, "coalesced": 3, "failed": 1}
    assert seen(before, process.page()).figures.cache_hit_share == pytest.approx(0.9)


def test_bookings_are_counted_when_they_are_confirmed() -> None:
    process = Process()
    process.bookings |= {"confirmed": 0, "cancelled": 0}
    before = process.page()
    process.bookings |= {"confirmed": 3, "cancelled": 5}
    assert seen(before, process.page(), every=6).figures.bookings_per_minute == pytest.approx(30)


def test_nan_is_what_nobody_knows() -> None:
    process = Process()
    process.gauges["process_resident_memory_bytes", "", ""] = math.nan
    assert seen(process.page()).figures.memory_bytes is None


def test_latency_in_total_is_of_all_requests_together() -> None:
    quick, slow = Process(), Process()
    before = quick.page(), slow.page()
    quick.durations[GET] = {0.01: 98, 1.0: 0, math.inf: 0}
    slow.durations[GET] = {0.01: 0, 1.0: 2, math.inf: 0}
    pods = seen(before[0], quick.page()), seen(before[1], slow.page())
    assert total(*pods).latency_p99_seconds == pytest.approx(0.01 + 0.99 / 2)
    assert total(*pods).latency_p50_seconds == pytest.approx(0.01 * 50 / 98)


def test_pods_add_up_and_what_the_database_knows_does_not() -> None:
    one, other = Process(), Process()
    for process, version, age in ((one, "1.4.0", 41.0), (other, "1.5.0", 42.0)):
        process.gauges |= {
            ("process_resident_memory_bytes", "", ""): 100e6,
            ("parkingspots_database_pool_in_use", "pool", "driver"): 3,
            (BUILD, "version", version): 1,
            (JOB_AGE, "step", "start_due"): age,
        }
    one.gauges["parkingspots_cache_up", "", ""] = 1
    other.gauges["parkingspots_cache_up", "", ""] = 0
    figures = total(seen(one.page()), seen(other.page()))
    assert figures.memory_bytes == 200e6
    assert figures.pool_in_use == 6
    assert figures.version == "1.4.0, 1.5.0"
    assert (figures.job_age_seconds, figures.job_worst_step) == (42.0, "start_due")
    assert figures.cache_up is False


def test_the_worst_step_is_the_one_without_success_for_longest() -> None:
    process = Process()
    page = process.page() + f'{JOB_AGE}{{step="start_due"}} 20\n{JOB_AGE}{{step="check_ledger"}} 900\n'
    figures = seen(page).figures
    assert (figures.job_age_seconds, figures.job_worst_step) == (900.0, "check_ledger")


def test_routes_stand_by_how_busy_they_are() -> None:
    process = Process()
    process.ask(("GET", "/quiet"), times=9)
    before = process.page()
    process.ask(GET, times=30)
    process.ask(POST, 201, times=40)
    process.ask(POST, 500, times=10)
    process.durations[GET] = {0.01: 30, 1.0: 0, math.inf: 0}
    routes = by_route(seen(before, process.page()).sight)
    assert [(route.method, route.requests_per_second) for route in routes] == [("POST", 25), ("GET", 15), ("GET", 0)]
    assert routes[0].error_share == pytest.approx(0.2)
    assert routes[1].latency_p99_seconds == pytest.approx(0.0099)
    assert routes[2].error_share is None


@pytest.mark.parametrize("started", [1_000.0, None], ids=["by the start", "by what was counted"])
def test_a_restart_is_no_fall(started: float | None) -> None:
    process = Process(started)
    process.ask(times=100)
    pages = [process.page()]
    process.ask(times=20)
    pages.append(process.page())
    after = Process(started and started + 50)
    after.ask(times=30)
    assert seen(*pages, after.page()).figures.requests_per_second == pytest.approx(50 / 4)


def test_a_restart_is_seen_even_where_the_new_process_has_counted_more() -> None:
    before, after = Process(1_000.0), Process(1_050.0)
    before.ask(times=10)
    after.ask(times=30)
    assert seen(before.page(), after.page()).figures.requests_per_second == pytest.approx(15)


@given(st.lists(st.lists(st.integers(0, 100), min_size=1, max_size=5), min_size=1, max_size=4))
def test_counters_never_fall_however_often_a_process_restarts(processes: list[list[int]]) -> None:
    """Each list is a process, each number what it counted until the next look."""
    unbroken, total, last = Unbroken(), 0, 0.0
    series, started = Series("some_total"), Series("process_start_time_seconds")
    for number, gains in enumerate(processes):
        count = 0
        for gain in gains:
            count, total = count + gain, total + gain
            counted = unbroken.take(Page({series: float(count)}, {started: float(number)}, frozenset()))[series]
            assert counted >= last
            last = counted
    assert last == total


def test_a_pod_that_does_not_answer_is_unknown_and_returns() -> None:
    process = Process()
    pod = seen(process.page())
    pod.failed("nobody listens")
    assert (pod.trouble, pod.figures) == ("nobody listens", UNKNOWN)
    process.ask(times=40)
    pod.answered(read(process.page()), 20.0)
    assert pod.trouble is None
    assert pod.figures.requests_per_second == pytest.approx(2)


@pytest.mark.parametrize(
    "text",
    ["", "<html><body>Not found</body></html>", "other_total 3\n", "process_cpu_seconds_total 3\nother_total 3\n"],
    ids=["nothing", "HTML", "another's", "another process's"],
)
def test_what_is_no_page_of_ours_is_refused(text: str) -> None:
    with pytest.raises(NoPage):
        read(text)


@pytest.mark.parametrize(
    "line",
    [
        "parkingspots_http_requests_total{method=",
        "parkingspots_http_requests_total many",
        'parkingspots_http_request_duration_seconds_bucket{le="high"} 1',
    ],
    ids=["cut off", "no number", "no bound"],
)
def test_a_page_that_is_broken_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's, whatever it says
        read(f"{Process().page()}{line}\n")


def test_a_label_may_be_called_anything() -> None:
    page = read('parkingspots_http_requests_total{name="x",self="y"} 3\n')
    assert list(page.counts.values()) == [3]
