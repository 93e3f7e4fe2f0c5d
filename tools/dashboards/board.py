"""What every dashboard has: the choice of datasource, namespace and pod, rollouts as annotations, links, rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard as DashboardModel,
)
from tools.dashboards.panels import RUNBOOKS, SOURCE, Panel
from tools.dashboards.queries import NAMESPACE, of_all

TAG = "parkingspots"
EVERY = ".*"
"""Chosen for all of them, it also takes what has no such label: on a single machine nothing has."""
EARLIER = "5m"


@dataclass(frozen=True)
class Board:
    name: str
    """Of its file, and behind `parkingspots-` its uid: links to it last."""
    title: str
    about: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    pods_of: str = "parkingspots_build_info"
    """A metric that each pod has that can be chosen."""
    since: str = "now-6h"


def written(board: Board) -> str:
    """The dashboard as Grafana reads it; the same for the same board, every time."""
    return json.dumps(_model(board), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _model(board: Board) -> DashboardModel:
    made = (
        Dashboard(f"ParkingSpots: {board.title}")
        .uid(f"parkingspots-{board.name}")
        .description(board.about)
        .tags([TAG])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh("30s")
        .readonly()
        .variables([_datasource(), _namespace(board), _pod(board)])
        .links([_to_others(), _to_runbooks()])
    )
    for title, panels in board.rows:
        made.with_row(Row(title))
        for panel in panels:
            made.with_panel(panel)
    model = made.build()
    model.annotations.list_val = [_new_versions(), _phases()]
    for position, each in enumerate(model.panels or [], start=1):
        each.id_val = position
    return model


def _datasource() -> DatasourceVariable:
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def _namespace(board: Board) -> QueryVariable:
    return _choice("namespace", "Namespace", f"label_values({board.pods_of}, namespace)")


def _pod(board: Board) -> QueryVariable:
    return _choice("pod", "Pod", f"label_values({board.pods_of}{{{NAMESPACE}}}, pod)")


def _choice(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .query({"query": query, "refId": name})
        .datasource(SOURCE)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(EVERY)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _to_others() -> DashboardLink:
    return (
        DashboardLink("Dashboards of ParkingSpots")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=False)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _to_runbooks() -> DashboardLink:
    page = DashboardLink("What to do when an alert fires").type(DashboardLinkType.LINK).icon("doc")
    return page.url(f"{RUNBOOKS}/README.md").target_blank(target_blank=True)


class _Event(AnnotationQuery):
    """What Grafana's Prometheus asks beside that which the SDK knows."""

    def __init__(self, name: str, colour: str, query: str, title: str) -> None:
        super().__init__(name=name, datasource=SOURCE, enable=True, icon_color=colour, expr=query)
        self._title = title

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {"titleFormat": self._title, "step": "30s", "useValueForTime": False}


def _new_versions() -> AnnotationQuery:
    labels = "namespace, version, schema"
    build = of_all("parkingspots_build_info")
    query = f"count by ({labels}) ({build}) unless count by ({labels}) ({build} offset {EARLIER})"
    return _Event("New versions", "blue", query, "Version {{version}} (schema {{schema}}) begins to run")


def _phases() -> AnnotationQuery:
    query = of_all("parkingspots_operator_release_phase", 'phase!="Ready"')
    return _Event("Rollouts", "purple", f"{query} == 1", "{{release}}: {{phase}}")
