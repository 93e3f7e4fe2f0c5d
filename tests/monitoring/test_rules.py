"""The rules as files: Prometheus takes them, they fire and are silent when they should, and ask for what there is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY
from promql_parser import AggregateExpr, VectorSelector

from monitoring.alerts import FILES, RUNBOOKS, TESTS, Rule, alerts, promtool, rules
from monitoring.boards import names, selectors
from monitoring.exported import families

BASE = "https://github.com/parkingspots/parkingspots/blob/main/docs/runbooks"
OF_SCRAPING = {"namespace", "pod", "job", "instance", "container", "le", "slo"}
OF_KUBERNETES = {
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_spec_min_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_pod_container_status_waiting_reason",
}
YES_OR_NO = {"ParkingSpotsDatabaseUnreachable", "ParkingSpotsPodsCrashLoop", "ParkingSpotsReleaseIsStalled"}
"""Alerts whose value is always the same."""
ALERT = re.compile(r'ALERTS\{alertname="(\w+)"')

every_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
every_alert = pytest.mark.parametrize("alert", alerts())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_prometheus_takes_the_rules_as_they_are(file: Path) -> None:
    promtool("check", "rules", file)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_must_and_are_silent_when_they_must(file: Path) -> None:
    promtool("test", "rules", file)


def expectations() -> Iterator[tuple[str, Any]]:
    """Each alert that a test of promtool's looks at, and what it expects."""
    for file in TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for expected in test.get("promql_expr_test", []):
                for alert in ALERT.findall(expected["expr"]):
                    yield alert, expected["exp_samples"]


@every_alert
def test_each_severity_of_an_alert_is_seen_firing_and_the_alert_silent(alert: str) -> None:
    expected = [samples for name, samples in expectations() if name == alert]
    fired = {
        found for samples in expected for each in samples for found in re.findall(r'severity="(\w+)"', each["labels"])
    }
    assert fired == {rule["labels"]["severity"] for rule in alerts()[alert]}
    assert [] in expected, "nothing says when it is silent"


@every_alert
def test_an_alert_says_how_urgent_it_is_and_where_its_page_lies(alert: str) -> None:
    assert alert.startswith("ParkingSpots")
    for rule in alerts()[alert]:
        said = rule["annotations"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert said["runbook_url"] == f"{BASE}/{alert}.md"
        assert (RUNBOOKS / f"{alert}.md").is_file()
        assert said["summary"].endswith(".")
        assert said["description"].endswith((".", "{{ end }}."))


@pytest.mark.parametrize("alert", sorted(alerts().keys() - YES_OR_NO))
def test_an_alert_tells_its_value(alert: str) -> None:
    assert all("$value" in rule["annotations"]["description"] for rule in alerts()[alert])


@every_rule
def test_a_rule_asks_for_what_the_product_tells_by_labels_that_it_has(rule: Rule) -> None:
    told = {name for series in families().values() for name in series}
    recorded = {each["record"] for each in rules() if "record" in each}
    assert names(rule["expr"]) - told - recorded - OF_KUBERNETES == set()
    for selector in selectors(rule["expr"]):
        if str(selector.name) not in OF_KUBERNETES:
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked <= OF_SCRAPING | labels_of(str(selector.name)), selector


def labels_of(series: str) -> set[str]:
    """Those that the code gives a series of that name."""
    family = next((name for name, shown in families().items() if series in shown), "")
    if family.startswith("parkingspots_job_"):
        return {"step"}
    if family.startswith("parkingspots_operator_"):
        return {"result", "release", "phase"}
    collector: Any = REGISTRY._names_to_collectors.get(family)
    return set(getattr(collector, "_labelnames", ()))


@every_rule
def test_what_is_added_up_keeps_namespace_and_job_so_that_releases_are_not_mixed(rule: Rule) -> None:
    for aggregation in aggregations(rule["expr"]):
        kept = set(aggregation.modifier.labels) if aggregation.modifier else set()
        if not {str(each.name) for each in selectors(str(aggregation))} & OF_KUBERNETES:
            assert {"namespace", "job"} <= kept, aggregation
        assert "namespace" in kept, aggregation


def aggregations(promql: str) -> Iterator[AggregateExpr]:
    found: list[AggregateExpr] = []

    def look(expression: promql_parser.Expr) -> bool:
        if isinstance(expression, AggregateExpr):
            found.append(expression)
        return True

    promql_parser.walk(promql_parser.parse(promql), look)
    yield from found


@every_rule
def test_every_series_is_named_with_braces_into_which_the_chart_puts_its_namespace(rule: Rule) -> None:
    series: list[VectorSelector] = list(selectors(rule["expr"]))
    assert len(re.findall(r"[a-zA-Z0-9_:]+\{", rule["expr"])) == len(series)
