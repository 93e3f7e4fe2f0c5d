"""The table of pods, and that of the routes of one of them."""

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from parkingspots.monitor import words
from parkingspots.monitor.by_route import by_route
from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.order import Order
from parkingspots.monitor.sparkline import sparkline
from parkingspots.monitor.watched import Watched

TREND = 12  # characters
Row = Sequence[Text]


class Table(DataTable[Text]):
    """Keeps the place of whoever reads it when what it says changes."""

    def on_mount(self) -> None:
        self.cursor_type = "row"

    @property
    def chosen(self) -> str:
        """The key of the row that the cursor is on; empty where there is none."""
        if not self.is_valid_row_index(self.cursor_row):
            return ""
        return str(self.ordered_rows[self.cursor_row].key.value)

    def say(self, rows: Mapping[str, Row]) -> None:
        """Rows by their keys, in order."""
        if list(rows) != [row.key.value for row in self.ordered_rows]:
            self._lay_out(rows)
            return
        for number, row in enumerate(rows.values()):
            for place, cell in enumerate(row):
                if self.get_cell_at(Coordinate(number, place)) != cell:
                    self.update_cell_at(Coordinate(number, place), cell, update_width=True)

    def head(self, titles: Sequence[Text]) -> None:
        """Columns with these titles, and no rows yet."""
        chosen, offset = self.chosen, self.scroll_offset
        self.clear(columns=True)
        for number, title in enumerate(titles):
            self.add_column(title, key=str(number))
        self._lay_out({chosen: [Text()] * len(titles)} if chosen else {})
        self.scroll_to(*offset, animate=False)

    def _lay_out(self, rows: Mapping[str, Row]) -> None:
        chosen, offset = self.chosen, self.scroll_offset
        self.clear()
        for key, row in rows.items():
            self.add_row(*row, key=key)
        if chosen in rows:
            self.move_cursor(row=list(rows).index(chosen), scroll=False)
        self.scroll_to(*offset, animate=False)


class PodsTable(Table):
    """A row a pod; all of them together first, where there are several.

    Beside the name stand its requests in the last minutes, or why it does not answer.
    """

    def on_mount(self) -> None:
        super().on_mount()
        self.fixed_columns = 1
        self.order: Order | None = None

    def show(self, pods: Sequence[Watched], total: Watched, order: Order) -> None:
        if order != self.order:
            self.order = order
            name, *others = order.titles
            self.head([Text(name), Text("requests"), *map(_right, others)])
        several = [total] if len(pods) > 1 else []
        self.say({each.name: _pod(each) for each in [*several, *order.sorted(pods)]})


class RoutesTable(Table):
    """A row a route, the busiest first."""

    TITLES = ("req/s", "p50", "p99", "errors")

    def on_mount(self) -> None:
        super().on_mount()
        self.head([Text("route"), *map(_right, self.TITLES)])

    def show(self, watched: Watched) -> None:
        self.say(
            {
                f"{each.method} {each.route}": [
                    Text(f"{each.method} {each.route}"),
                    _right(words.number(each.requests_per_second)),
                    _right(words.seconds(each.latency_p50_seconds)),
                    _right(words.seconds(each.latency_p99_seconds)),
                    _alarming(words.share(each.error_share), wrong=bool(each.error_share)),
                ]
                for each in by_route(watched.sight)
            }
        )


def _pod(watched: Watched) -> Row:
    name = Text(watched.name)
    if watched.trouble is not None:
        return [
            Text.assemble(("✗ ", "bold red"), name),
            Text(watched.trouble, "red"),
            *[_right(words.NOBODY_KNOWS)] * len(COLUMNS),
        ]
    figures = watched.figures
    requests = watched.history.highest(lambda it: it.requests_per_second, TREND)
    return [
        Text.assemble(("● ", "green"), name),
        Text(sparkline(requests)[0], "cyan"),
        *(_alarming(column.text(figures), wrong=column.is_bad(figures)) for column in COLUMNS),
    ]


def _right(text: str) -> Text:
    return Text(text, justify="right")


def _alarming(text: str, *, wrong: bool) -> Text:
    return Text(text, "bold red" if wrong else "", justify="right")
