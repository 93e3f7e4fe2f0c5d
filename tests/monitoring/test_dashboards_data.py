"""The dashboards ask a real Prometheus, which watches the product live."""

import re
from collections.abc import Mapping
from contextlib import suppress

import pytest

from monitoring.boards import Query, boards, panels, queries, selectors
from monitoring.mint import A_SECOND, TAKEN
from monitoring.prometheus import Prometheus
from product import until

CLUSTER, ONE_MACHINE = ("town", ".*"), ("", "")
"""The choice of namespace and pod; on one machine series have neither."""

NOT_HERE: Mapping[str, str] = {
    r"kube_.*": "kube-state-metrics is a part of clusters",
    r"ALERTS.*": "nothing has gone wrong for long enough",
    r".* offset 5m": "the town is younger than that",
    r'.*currency=~".*': "everybody pays in euros; the mint has the others",
    r'parkingspots_reads_total.*outcome="stale".*': "the database does not go away",
    r"parkingspots_reads_refreshed_total.*": "no answer is old enough to be loaded again",
    r"parkingspots_reads_valkey_errors_total.*": "Valkey does not fail",
    r'parkingspots_http_requests_total.*status=~"5.*': "no request fails",
    r"parkingspots_job_oldest_due_age_seconds.*": "a run leaves nothing that is due",
    r'parkingspots_stripe_calls_total.*outcome!="ok".*': "Stripe refuses nothing",
    r'parkingspots_(job_)?stripe_calls_total.*outcome=~"away.*': "Stripe does not go away",
    r'parkingspots_operator_release_phase.*phase!~".*': "no release stands still",
    r"parkingspots_ledger_differences.*": "the ledger is compared once a day, and was not yet",
    r"parkingspots_job_payments_taken_minor_units_total.*": "the webhook tells before the minute job asks",
    r"parkingspots_job_payments_refunded_minor_units_total.*": "a cancellation gives back at once",
    r"parkingspots_payments_paid_out_minor_units_total.*": "the minute job pays out, not a request",
}
"""Series that there are none of in this town, by a pattern, and why."""
OF_CLUSTERS = "parkingspots_operator_"


def is_here(series: str) -> bool:
    return not any(re.fullmatch(pattern, series) for pattern in NOT_HERE)


@pytest.mark.parametrize("place", [CLUSTER, ONE_MACHINE], ids=["in a cluster", "on one machine"])
@pytest.mark.parametrize("name", boards())
async def test_each_panel_finds_data_and_each_series_that_it_names(
    name: str, place: tuple[str, str], watched: Prometheus
) -> None:
    missing = {text for query in queries(boards()[name]) for text in parts(query, place)}

    async def is_all_there() -> bool:
        missing.difference_update([text for text in sorted(missing) if await watched.knows(text)])
        return not missing

    with suppress(TimeoutError):
        await until(is_all_there)
    assert not missing, "\n".join(sorted(missing))


def parts(query: Query, place: tuple[str, str]) -> list[str]:
    """Each series that it names by itself, as `or` would hide what is not there, and the query, if it rests on any."""
    asked = query.at(*place)
    if place == ONE_MACHINE and OF_CLUSTERS in asked:
        return []
    series = [str(selector) for selector in selectors(asked) if is_here(str(selector))]
    return [*series, asked] if series else []


async def test_there_is_no_reason_for_what_is_there(watched: Prometheus) -> None:
    """Nor for what no dashboard asks for."""
    named = {
        str(each) for board in boards().values() for query in queries(board) for each in selectors(query.at("town"))
    }
    for pattern in NOT_HERE:
        excused = [series for series in named if re.fullmatch(pattern, series)]
        assert excused, pattern
        assert not all([await watched.knows(series) for series in excused]), pattern


async def amounts(prometheus: Prometheus) -> dict[str, float]:
    (panel,) = [panel for panel in panels(boards()["business"]) if panel["title"] == "Money taken"]
    (target,) = panel["targets"]
    found = await prometheus.ask(Query("", target["expr"]).at("mint"))
    return {labels["currency"]: value for labels, value in found}


async def test_money_is_told_in_whole_units_of_its_currency_and_what_stands_in_the_database_once(
    watched: Prometheus,
) -> None:
    a_pod = f'sum by (currency) (increase({TAKEN}_total{{namespace="mint",pod="api-1"}}[5m]))'

    async def is_there() -> bool:
        return set(await amounts(watched)) == set(A_SECOND) and await watched.knows(a_pod)

    await until(is_there)
    told = {labels["currency"]: value for labels, value in await watched.ask(a_pod)}
    found = await amounts(watched)
    times = {currency: found[currency] / told[currency] for currency in A_SECOND}
    of_three = pytest.approx(3, rel=0.25)  # two pods and the job
    assert times["EUR"] * 100 == of_three
    assert times["JPY"] == of_three
    assert times["KWD"] * 1000 == of_three
