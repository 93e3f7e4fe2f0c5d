"""The few figures that matter most, large, with their last minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widgets import Static

from parkingspots.monitor import words
from parkingspots.monitor.columns import job_is_late
from parkingspots.monitor.figures import Figures
from parkingspots.monitor.sparkline import sparkline
from parkingspots.monitor.watched import Watched


@dataclass(frozen=True)
class Topic:
    title: str
    value: Callable[[Figures], float | None]
    text: Callable[[Figures], str]
    more: Callable[[Figures], str]
    is_bad: Callable[[Figures], bool] = lambda _: False
    top: float | None = None


TOPICS = (
    Topic(
        "Requests a second",
        lambda it: it.requests_per_second,
        lambda it: words.number(it.requests_per_second),
        lambda it: f"{words.number(it.requests_in_flight)} busy",
    ),
    Topic(
        "Latency p99",
        lambda it: it.latency_p99_seconds,
        lambda it: words.seconds(it.latency_p99_seconds),
        lambda it: f"p50 {words.seconds(it.latency_p50_seconds)}",
    ),
    Topic(
        "Errors 5xx",
        lambda it: it.error_share,
        lambda it: words.share(it.error_share),
        lambda _: "",
        lambda it: bool(it.error_share),
    ),
    Topic(
        "Cache hits",
        lambda it: it.cache_hit_share,
        lambda it: words.share(it.cache_hit_share),
        lambda it: "cache is down" if it.cache_up is False else "",
        lambda it: it.cache_up is False,
        top=1.0,
    ),
    Topic(
        "Bookings a minute",
        lambda it: it.bookings_per_minute,
        lambda it: words.number(it.bookings_per_minute),
        lambda it: f"{words.number(it.conflicts_per_minute)} conflicts",
    ),
    Topic(
        "Minute job",
        lambda it: it.job_age_seconds,
        lambda it: words.age(it.job_age_seconds),
        lambda it: it.job_worst_step or "",
        job_is_late,
    ),
)


class Card(Static):
    """One topic of all pods together."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"card--line", "card--value", "card--bad", "card--more"}
    BARS = 2  # rows

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self._topic = topic
        self.border_title = topic.title

    def show(self, total: Watched) -> None:
        """The figure, and below it how it came about."""
        topic, figures = self._topic, total.figures
        width = max(1, self.content_size.width)
        value, more = topic.text(figures), topic.more(figures)
        head = Text.assemble((value, self._style("card--bad" if topic.is_bad(figures) else "card--value")))
        if len(value) + 2 + len(more) <= width:
            head.append(" " * (width - len(value) - len(more)) + more, self._style("card--more"))
        rows = sparkline(total.history.highest(topic.value, width), self.BARS, topic.top)
        lines = [Text(row, self._style("card--line")) for row in rows]
        self.update(Text("\n").join([head, *lines]))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)
