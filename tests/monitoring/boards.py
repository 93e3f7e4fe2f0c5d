"""The dashboards as the chart ships them: their panels, and what these ask Prometheus."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser
import yaml
from promql_parser import VectorSelector

from chart.rendering import CHART

FOLDER = CHART / "dashboards"
RULES = sorted((CHART / "files").glob("*/*.yaml"))
DURATIONS = {"$__rate_interval": "30s", "$__range": "5m"}
VALUES = re.compile(r"label_values\((.+), (\w+)\)")

Board = Mapping[str, Any]
Panel = Mapping[str, Any]


@dataclass(frozen=True)
class Query:
    """What a panel, a variable or an annotation asks."""

    asker: str
    text: str

    def at(self, namespace: str = ".*", pod: str = ".*") -> str:
        """As Grafana sends it where these were chosen."""
        return with_variables(self.text, DURATIONS | {"$namespace": namespace, "$pod": pod})


def with_variables(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


@cache
def boards() -> Mapping[str, Board]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: Board) -> list[Panel]:
    """Without the rows between them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Board) -> Iterator[Query]:
    for panel in panels(board):
        for target in panel["targets"]:
            yield Query(f"panel {panel['title']!r}, {target.get('legendFormat', target['refId'])}", target["expr"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found = VALUES.fullmatch(variable["query"]["query"])
            assert found is not None, variable
            yield Query(f"variable {variable['name']}", f"count by ({found[2]}) ({found[1]})")
    for annotation in board["annotations"]["list"]:
        yield Query(f"annotation {annotation['name']!r}", annotation["expr"])


def selectors(promql: str) -> Iterator[VectorSelector]:
    """The series that an expression names."""
    found: list[VectorSelector] = []

    def look(expression: promql_parser.Expr) -> bool:
        if isinstance(expression, VectorSelector):
            found.append(expression)
        return True

    promql_parser.walk(promql_parser.parse(promql), look)
    yield from found


def names(promql: str) -> set[str]:
    return {str(selector.name) for selector in selectors(promql)}


@cache
def rules() -> list[Mapping[str, Any]]:
    """Every rule of the chart's."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]
