"""The rules as the chart wraps them: the same, for one release alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import NOTHING, Helm, Values, of_kind
from monitoring.alerts import Rule, alerts, promtool, rules, rules_of
from monitoring.boards import selectors

ALL: Values = {"monitoring.prometheusRule.enabled": True, "monitoring.rules.kubeStateMetrics": True}
OURS = 'namespace="parking"'


def rendered(chart: Helm, values: Values = NOTHING, setup: str = "evaluation", release: str = "ps") -> list[Rule]:
    """Of the one PrometheusRule."""
    (manifest,) = of_kind(chart.render(setup, {**ALL, **values}, release=release), "PrometheusRule")
    return rules_of(manifest["spec"]["groups"])


def plain(rule: Rule, release: str = "ps") -> Rule:
    """A rendered rule without what makes it the release's own."""
    expr = rule["expr"].replace(f"{OURS}, ", "").replace(OURS, "")
    pods = f"({release}-parkingspots|{release})-.*"
    return {**rule, "expr": expr.replace(pods, ".*parkingspots.*")}


def named(found: list[Rule]) -> set[str]:
    return {rule["alert"] for rule in found if "alert" in rule}


def test_the_chart_ships_the_same_rules(chart: Helm) -> None:
    def key(rule: Rule) -> tuple[str, str]:
        return rule.get("alert") or rule["record"], str(rule.get("labels"))

    assert sorted(map(plain, rendered(chart)), key=key) == sorted(rules(), key=key)


def test_every_series_is_of_the_releases_own_namespace(chart: Helm) -> None:
    for rule in rendered(chart):
        for selector in selectors(rule["expr"]):
            labels = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            assert labels["namespace"] == "parking", selector


def test_prometheus_takes_them(chart: Helm, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rendered(chart)}]}))
    promtool("check", "rules", file)


def test_they_are_silent_about_another_namespace_and_miss_their_own(chart: Helm, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rendered(chart)}]}))
    others = 'namespace="other", job="api", pod="a"'
    told = {
        f'parkingspots_build_info{{{others}, version="1"}}': "1x90",
        f"parkingspots_database_up{{{others}}}": "0x90",
        f'parkingspots_http_requests_total{{{others}, route="/", status="500"}}': "0+60x90",
        f'parkingspots_job_last_success_age_seconds{{{others}, step="start_due"}}': "0+60x90",
    }
    firing = {"expr": 'count by (alertname, namespace) (ALERTS{alertstate="firing"})', "eval_time": "80m"}
    missed: dict[str, Any] = {"labels": '{alertname="ParkingSpotsMetricsAbsent", namespace="parking"}', "value": 1}
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in told.items()],
        "promql_expr_test": [{**firing, "exp_samples": [missed]}],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", file)


def test_what_kube_state_metrics_tells_is_asked_for_only_where_it_is_wanted(chart: Helm) -> None:
    without = named(rendered(chart, {"monitoring.rules.kubeStateMetrics": False}))
    assert alerts().keys() - without == {"ParkingSpotsPodsCrashLoop", "ParkingSpotsAutoscalerAtMaximum"}


@pytest.mark.parametrize(
    ("values", "release", "pattern"),
    [
        (NOTHING, "ps", "(ps-parkingspots|ps)-.*"),
        (NOTHING, "parkingspots", "(parkingspots|parkingspots)-.*"),
        ({"fullnameOverride": "garage"}, "ps", "(garage|ps)-.*"),
    ],
)
def test_pods_are_known_by_the_names_that_the_chart_gives_them(
    chart: Helm, values: Values, release: str, pattern: str
) -> None:
    of_pods = [rule for rule in rendered(chart, values, release=release) if "kube_" in rule["expr"]]
    assert all(f'=~"{pattern}"' in rule["expr"] for rule in of_pods)


def test_pages_lie_where_the_values_say(chart: Helm) -> None:
    base = "https://wiki.example/alerts"
    for rule in rendered(chart, {"monitoring.rules.runbookBase": f"{base}/"}):
        if "alert" in rule:
            assert rule["annotations"]["runbook_url"] == f"{base}/{rule['alert']}.md"


def test_alerts_that_are_not_wanted_are_left_out(chart: Helm) -> None:
    unwanted = ["ParkingSpotsMailFails", "ParkingSpotsMetricsAbsent"]
    assert alerts().keys() - named(rendered(chart, {"monitoring.rules.leaveOut": unwanted})) == set(unwanted)


@pytest.mark.parametrize(
    ("values", "left_out"),
    [({"valkey.enabled": False}, {"ParkingSpotsCacheIsDown"}), (NOTHING, set[str]())],
    ids=["without a cache", "with one"],
)
def test_no_cache_is_missed_where_there_is_none(chart: Helm, values: Mapping[str, Any], left_out: set[str]) -> None:
    assert alerts().keys() - named(rendered(chart, values)) == left_out


def test_a_name_that_is_no_alerts_and_a_base_that_is_no_url_are_refused(chart: Helm) -> None:
    assert "leaveOut" in chart.refusal("evaluation", {**ALL, "monitoring.rules.leaveOut": ["Everything!"]})
    assert "runbookBase" in chart.refusal("evaluation", {**ALL, "monitoring.rules.runbookBase": "wiki"})
