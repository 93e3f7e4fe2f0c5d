"""The dashboards as they are written down: whole, consistent, true to the alerts, and of metrics that there are."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from promql_parser import NumberLiteral

from chart.rendering import CHART, ROOT, Helm, of_kind
from monitoring import metrics_page
from monitoring.boards import FOLDER, Board, Panel, boards, names, panels, queries, rules, selectors
from monitoring.exported import families, kept_by_the_job

LIMIT = 1024 * 1024
"""Of a ConfigMap, in bytes."""
WIDTH = 24
OF_KUBERNETES = {
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_ready",
    "kube_pod_container_status_restarts_total",
}
UNUSED = {
    "process_virtual_memory_bytes": "says nothing: Python reserves more than it uses",
}

every_board = pytest.mark.parametrize("board", boards().values(), ids=boards())


def every_panel() -> list[Any]:
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, board in boards().items()
        for panel in panels(board)
    ]


def test_they_are_what_the_code_says(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.dashboards", str(tmp_path)], cwd=ROOT, check=True)
    made, kept = ({path.name: path.read_text() for path in folder.iterdir()} for folder in (tmp_path, FOLDER))
    assert made == kept, "make dashboards"


@every_board
def test_each_fits_into_a_configmap_and_is_found_by_the_same_name_for_ever(board: Board) -> None:
    (name,) = [name for name, each in boards().items() if each is board]
    assert len(json.dumps(board)) < LIMIT
    assert board["uid"] == f"parkingspots-{name}"
    assert "id" not in board
    assert "version" not in board


def test_the_chart_ships_each_in_a_configmap_of_its_own_with_the_runbooks_that_the_values_name(chart: Helm) -> None:
    base = "https://wiki.example/alerts"
    values = ["monitoring.dashboards.enabled=true", f"monitoring.rules.runbookBase={base}/"]
    manifests = chart.render("evaluation", flags=[part for value in values for part in ("--set", value)])
    maps = [each for each in of_kind(manifests, "ConfigMap") if "grafana_dashboard" in each["metadata"]["labels"]]
    shipped = {file: json.loads(text) for each in maps for file, text in each["data"].items()}
    assert len(maps) == len(shipped)
    assert {file: board["uid"] for file, board in shipped.items()} == {
        f"{name}.json": board["uid"] for name, board in boards().items()
    }
    links = {link["url"] for board in shipped.values() for link in board["links"] if link["type"] == "link"}
    assert links == {f"{base}/README.md"}


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_says_what_it_shows_when_to_worry_and_what_it_is_when_it_is_empty(panel: Panel) -> None:
    look = panel["fieldConfig"]["defaults"]
    shows, worry = panel["description"].split("\n\n")
    assert panel["title"]
    assert shows.endswith(".")
    assert re.fullmatch(r"Worry: .+\.", worry)
    assert look["unit"]
    assert look["noValue"]
    assert all("legendFormat" in target for target in panel["targets"]) or panel["type"] in {"stat", "table"}


@every_board
def test_titles_are_told_apart_and_rows_are_full(board: Board) -> None:
    titles = [panel["title"] for panel in board["panels"]]
    assert len(titles) == len(set(titles))
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(titles) + 1))
    taken = [cell for panel in board["panels"] for cell in cells(panel)]
    assert len(taken) == len(set(taken)), "panels lie on each other"
    height = 1 + max(y for _, y in taken)
    assert len(taken) == WIDTH * height, "there are holes between panels"


def cells(panel: Panel) -> Iterator[tuple[int, int]]:
    place = panel["gridPos"]
    for x in range(place["x"], place["x"] + place["w"]):
        assert x < WIDTH
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


@every_board
def test_datasource_namespace_and_pod_are_chosen_on_each_and_a_machine_without_them_is_seen_too(board: Board) -> None:
    datasource, *labels = board["templating"]["list"]
    assert (datasource["name"], datasource["type"], datasource["query"]) == ("datasource", "datasource", "prometheus")
    assert [label["name"] for label in labels] == ["namespace", "pod"]
    assert {(label["allValue"], label["includeAll"], label["multi"]) for label in labels} == {(".*", True, True)}
    sources = [each["datasource"] for each in (*panels(board), *labels, *board["annotations"]["list"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


@every_board
def test_each_leads_to_the_others_and_to_the_runbooks(board: Board) -> None:
    to_others, to_runbooks = board["links"]
    pages = [to_runbooks, *(link for panel in panels(board) for link in panel.get("links", []))]
    assert (to_others["type"], to_others["tags"], to_others["includeVars"], to_others["keepTime"]) == (
        "dashboards",
        ["parkingspots"],
        True,
        True,
    )
    assert all("parkingspots" in other["tags"] for other in boards().values())
    files = [ROOT / page["url"].partition("/blob/main/")[2] for page in pages]
    assert [file.name for file in files if not file.is_file()] == []


@every_board
def test_every_query_can_be_read_and_keeps_to_the_namespace_that_was_chosen(board: Board) -> None:
    for query in queries(board):
        if query.asker == "variable namespace":
            continue
        for selector in selectors(query.at("town", "api")):
            labels = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            assert labels.get("namespace") == "town", f"{query.asker}: {selector}"


def known() -> set[str]:
    series = {name for names_of_family in families().values() for name in names_of_family}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return series | kept_by_the_job() | recorded | OF_KUBERNETES | {"ALERTS"}


@every_board
def test_no_query_names_what_nobody_tells(board: Board) -> None:
    asked = {name for query in queries(board) for name in names(query.at())}
    assert asked - known() == set()


def test_whatever_the_product_tells_is_looked_at_by_a_dashboard_or_a_rule() -> None:
    shown = {name for board in boards().values() for query in queries(board) for name in names(query.at())}
    watched = {name for rule in rules() for name in names(rule["expr"])}
    unseen = {family for family, series in families().items() if not series & (shown | watched)}
    assert unseen == set(UNUSED)


def alert_of(panel: Panel) -> str:
    """The alert that it leads to, if any."""
    pages = [Path(link["url"]).stem for link in panel.get("links", [])]
    return pages[0] if pages else ""


def test_a_panel_leads_to_the_page_of_an_alert_that_there_is_and_each_alert_is_shown_by_one() -> None:
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    led_to = {alert_of(panel) for board in boards().values() for panel in panels(board)} - {""}
    assert led_to == alerts


@pytest.mark.parametrize("panel", [each for each in every_panel() if alert_of(each.values[0])])
def test_a_panel_is_red_from_where_its_alert_fires(panel: Panel) -> None:
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    red = [step["value"] for step in steps if step["color"] == "red" and step["value"] is not None]
    if steps and steps[0]["color"] == "red":  # good while it is large: red ends at the next step
        red = [steps[1]["value"]]
    named = limits_of(alert_of(panel))
    assert set(red) <= named, f"{red} is none of {sorted(named)}"


def limits_of(alert: str) -> set[float]:
    """The numbers that an alert compares with, and those of what it was recorded of; also as the share that is left."""
    of_alert = [rule for rule in rules() if rule.get("alert") == alert]
    slos = set(re.findall(r'slo="(\w+)"', " ".join(rule["expr"] for rule in of_alert)))
    recorded = [rule for rule in rules() if "record" in rule and rule.get("labels", {}).get("slo") in slos]
    found = {number for rule in (*of_alert, *recorded) for number in numbers(rule["expr"])}
    whole = {1.0} if 0 in found else set()  # of what is counted, more than none is one
    return found | {1 - number for number in found} | whole


def numbers(promql: str) -> set[float]:
    """Those that stand in it, and the bounds of histograms' buckets."""
    found = {float(m.value) for each in selectors(promql) for m in each.matchers.matchers if m.name == "le"}

    def look(expression: promql_parser.Expr) -> bool:
        if isinstance(expression, NumberLiteral):
            found.add(expression.val)
        return True

    promql_parser.walk(promql_parser.parse(promql), look)
    return found


def test_the_page_about_them_names_each() -> None:
    page = (ROOT / "docs" / "dashboards.md").read_text()
    assert [name for name in boards() if f"`{name}`" not in page] == []
    assert CHART.relative_to(ROOT).as_posix() in page


def test_the_page_about_metrics_is_the_codes() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text() == metrics_page.page(), "run `make metrics-page`"
