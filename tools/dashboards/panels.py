"""The kinds of panels, each with a title, a unit, what it shows, when to worry, and what it says while it is empty."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from tools.dashboards.limits import CALM, Limits

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOKS = "https://github.com/parkingspots/parkingspots/blob/main/docs/runbooks"

Panel = stat.Panel | timeseries.Panel | table.Panel | statetimeline.Panel | heatmap.Panel
P = TypeVar("P", stat.Panel, timeseries.Panel, table.Panel, statetimeline.Panel, heatmap.Panel)
Queries = Mapping[str, str]
"""PromQL by the name that its series have in the legend."""
UNKNOWN = "Nobody has told yet"


def number(
    title: str,
    query: str,
    unit: str,
    *,
    shows: str,
    worry: str,
    limits: Limits = CALM,
    empty: str = UNKNOWN,
    legend: str = "",
    decimals: int | None = None,
    words: Mapping[str, tuple[str, str]] | None = None,
    alert: str = "",
    wide: int = 4,
) -> stat.Panel:
    """One figure in large type; one a series where the query answers several. `words` stand for values of it."""
    panel = _described(stat.Panel(), title, unit, shows, worry, empty, alert).span(wide).height(4)
    if decimals is not None:
        panel.decimals(decimals)
    if legend:
        panel.text_mode(BigValueTextMode.VALUE_AND_NAME)  # one series alone would not be named
    return (
        panel.thresholds(_thresholds(limits))
        .mappings(_in_words(words or {}, empty))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_asked(query, legend, "A").instant())
    )


def lines(
    title: str,
    queries: Queries,
    unit: str,
    *,
    shows: str,
    worry: str,
    limits: Limits = CALM,
    empty: str = UNKNOWN,
    stacked: bool = False,
    alert: str = "",
    wide: int = 8,
) -> timeseries.Panel:
    """Series over time. Where there are limits they are dashed lines."""
    panel = _described(timeseries.Panel(), title, unit, shows, worry, empty, alert).span(wide).height(8)
    panel.min(0).line_width(1).fill_opacity(30 if stacked else 8).show_points(VisibilityMode.NEVER)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    panel.legend(
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .show_legend(show_legend=True)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if limits.steps:
        dashed = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        panel.thresholds(_thresholds(limits)).thresholds_style(dashed)
    for letter, (legend, query) in zip("ABCDEFGH", queries.items(), strict=False):
        panel.with_target(_asked(query, legend, letter).range())
    return panel


def rows(
    title: str,
    queries: Queries,
    unit: str,
    *,
    shows: str,
    worry: str,
    units: Mapping[str, str] | None = None,
    limits: Mapping[str, Limits] | None = None,
    empty: str = UNKNOWN,
    hidden: Sequence[str] = (),
    alert: str = "",
    wide: int = 12,
) -> table.Panel:
    """A table: a row for each set of labels, a column for each query. `hidden` columns and labels are not shown."""
    panel = _described(table.Panel(), title, unit, shows, worry, empty, alert).span(wide).height(8)
    panel.filterable(filterable=True)
    columns = {}
    for letter, (column, query) in zip("ABCDEFGH", queries.items(), strict=False):
        panel.with_target(_asked(query, "", letter).instant().format(PromQueryFormat.TABLE))
        columns["Value" if len(queries) == 1 else f"Value #{letter}"] = column
    panel.with_transformation(DataTransformerConfig("merge", options={}))
    fields = {column: field for field, column in columns.items()}
    left_out = {fields.get(name, name): True for name in ("Time", "__name__", *hidden)}
    panel.with_transformation(
        DataTransformerConfig("organize", options={"excludeByName": left_out, "renameByName": columns})
    )
    for column in columns.values():
        looks = [DynamicConfigValue("unit", (units or {}).get(column, unit))]
        if limits and column in limits:
            looks.append(DynamicConfigValue("thresholds", _thresholds(limits[column]).build()))
            looks.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        panel.override_by_name(column, looks)
    return panel


def states(
    title: str,
    queries: Queries,
    *,
    shows: str,
    worry: str,
    words: Mapping[str, tuple[str, str]],
    empty: str = UNKNOWN,
    alert: str = "",
    wide: int = 12,
) -> statetimeline.Panel:
    """Bars over time that say in `words` what a value means, each with its colour."""
    panel = _described(statetimeline.Panel(), title, "none", shows, worry, empty, alert).span(wide).height(8)
    panel.mappings(_in_words(words, empty)).row_height(0.8)
    for letter, (legend, query) in zip("ABCDEFGH", queries.items(), strict=False):
        panel.with_target(_asked(query, legend, letter).range())
    return panel


def heat(
    title: str, query: str, unit: str, *, shows: str, worry: str, empty: str = UNKNOWN, wide: int = 12
) -> heatmap.Panel:
    """A histogram's buckets over time: how many fell into which."""
    panel = _described(heatmap.Panel(), title, unit, shows, worry, empty, "").span(wide).height(8)
    panel.calculate(calculate=False).y_axis(heatmap.YAxisConfig().unit(unit))
    colours = heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return panel.color(colours).with_target(_asked(query, "{{le}}", "A").range().format(PromQueryFormat.HEATMAP))


def _described(panel: P, title: str, unit: str, shows: str, worry: str, empty: str, alert: str) -> P:
    panel.title(title).description(f"{shows}\n\nWorry: {worry}").unit(unit).no_value(empty).datasource(SOURCE)
    if alert:
        page = DashboardLink(f"What to do: {alert}").type(DashboardLinkType.LINK).target_blank(target_blank=True)
        panel.links([page.url(f"{RUNBOOKS}/{alert}.md")])
    return panel


def _asked(query: str, legend: str, letter: str) -> prometheus.Dataquery:
    asked = prometheus.Dataquery().expr(query).ref_id(letter).datasource(SOURCE)
    return asked.legend_format(legend) if legend else asked


def _thresholds(limits: Limits) -> ThresholdsConfig:
    steps = [Threshold(value=None, color=limits.beginning)]
    return ThresholdsConfig().steps([*steps, *(Threshold(value, colour) for value, colour in limits.steps)])


def _in_words(words: Mapping[str, tuple[str, str]], empty: str) -> list[ValueMapping]:
    """NaN is what nobody knows, too."""
    unknown = DashboardSpecialValueMapOptions(SpecialValueMatch.NULL_AND_NAN, ValueMappingResult(empty, "text"))
    said = {value: ValueMappingResult(word, colour) for value, (word, colour) in words.items()}
    return [SpecialValueMap(unknown), *([ValueMap(said)] if said else [])]
