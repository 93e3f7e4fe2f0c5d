"""The screen of `parkingspots monitor`."""

import asyncio
import os
import signal
from contextlib import suppress
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from parkingspots.monitor import words
from parkingspots.monitor.cards import TOPICS, Card
from parkingspots.monitor.help import Help
from parkingspots.monitor.order import Order
from parkingspots.monitor.samples import POOL_IN_USE, POOL_SIZE, POOL_WAITING
from parkingspots.monitor.tables import PodsTable, RoutesTable
from parkingspots.monitor.watch import Watch
from parkingspots.monitor.watched import Watched

NARROW, LOW, TINY = 100, 30, 20
"""Columns and rows of a terminal below which the lines of the last minutes give way, and rows below which cards do."""


class Monitor(App[None]):
    """Looks at an interval, and shows what it saw."""

    CSS_PATH = "screen.tcss"
    TITLE = "parkingspots monitor"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012 - as textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (TINY, "-low"), (LOW, "-high")]  # noqa: RUF012 - as textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort(1)", "Sort"),
        Binding("S", "sort(-1)", "Sort back", show=False),
        Binding("r", "reverse", "Reverse"),
        Binding("p", "pause", "Pause"),
        Binding("tab", "app.focus_next", "Pods or routes"),
        Binding("question_mark,h", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),  # over the help too
    ]
    order = var(Order())
    paused = var(default=False)

    def __init__(self, watch: Watch) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.watching = watch
        self.looked = asyncio.Event()
        """Is set after each look."""

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with Horizontal(id="cards"):
            for topic in TOPICS:
                yield Card(topic)
        yield PodsTable(id="pods")
        yield Static(id="chosen")
        yield RoutesTable(id="routes")
        yield Footer()

    def on_mount(self) -> None:
        self.set_class(self.no_color, "-no-color")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.run_worker(self._go_on_looking())
        self.show()

    async def _go_on_looking(self) -> None:
        while True:
            began = monotonic()
            await self.watching.look()
            if not self.paused:
                self.show()
            self.looked.set()
            await asyncio.sleep(max(0.0, self.watching.interval - (monotonic() - began)))

    def show(self) -> None:
        """Bring the screen up to what was seen last."""
        with suppress(NoMatches):  # it is being left
            self._front.query_one("#head", Static).update(self._head())
            for card in self._front.query(Card):
                card.show(self.watching.total)
            self._front.query_one(PodsTable).show(self.watching.pods, self.watching.total, self.order)
            self.show_chosen()

    def show_chosen(self) -> None:
        """What is known of the pod that the cursor is on."""
        with suppress(NoMatches):  # it is being left
            chosen = self._chosen()
            self._front.query_one("#chosen", Static).update(_about(chosen))
            self._front.query_one(RoutesTable).show(chosen)

    @property
    def _front(self) -> Screen[object]:
        """Where the figures stand, even while help stands above."""
        if not self.screen_stack:
            raise NoMatches("the screen is being left")
        return self.screen_stack[0]

    def _chosen(self) -> Watched:
        name = self._front.query_one(PodsTable).chosen
        return next((pod for pod in self.watching.pods if pod.name == name), self.watching.total)

    def _head(self) -> Text:
        watch = self.watching
        pods = _counted(watch.answering, len(watch.pods)) if watch.pods else "looking for pods"
        head = Text.assemble(("ParkingSpots", "bold"), f"  {pods}, asked every {watch.interval:g} s")
        if self.paused:
            head.append("  paused: p goes on", "bold reverse")
        if watch.trouble:
            head.append(f"  {watch.trouble}", "bold red")
        return head

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if isinstance(event.data_table, PodsTable):
            self.show_chosen()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        if isinstance(event.data_table, PodsTable):
            self.order = self.order.by(max(0, event.column_index - 1))  # what is beside the name sorts as the name does

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def watch_order(self) -> None:
        if self.is_running:
            self.show()

    def watch_paused(self) -> None:
        if self.is_running:
            self.show()

    def action_sort(self, step: int) -> None:
        self.order = self.order.moved(step)

    def action_reverse(self) -> None:
        self.order = self.order.by(self.order.column)

    def action_pause(self) -> None:
        self.paused = not self.paused

    def action_help(self) -> None:
        self.push_screen(Help())


def _counted(answering: int, pods: int) -> str:
    return f"{answering} of {pods} pods answer" if pods > 1 else f"{answering} of 1 pod answers"


def _about(chosen: Watched) -> Text:
    """The line above the routes."""
    about = Text(chosen.name, "bold")
    if chosen.trouble is not None:
        return about.append(f"  {chosen.trouble}", "bold red")
    sizes = {series.label("pool"): size for series, size in chosen.sight.gauges_of(POOL_SIZE).items()}
    in_use = {series.label("pool"): count for series, count in chosen.sight.gauges_of(POOL_IN_USE).items()}
    waiting = {series.label("pool"): count for series, count in chosen.sight.gauges_of(POOL_WAITING).items()}
    for pool in sorted(sizes.keys() | in_use.keys(), reverse=True):
        queue = f", {words.number(waiting[pool])} wait" if waiting.get(pool) else ""
        about.append(f"  {pool} pool {words.of(in_use.get(pool), sizes.get(pool))}{queue}", "not bold")
    for what, is_up in (("database", chosen.figures.database_up), ("cache", chosen.figures.cache_up)):
        if is_up is not None:
            about.append(f"  {what} {'up' if is_up else 'down'}", "not bold" if is_up else "bold red")
    if chosen.figures.job_worst_step:
        age = words.age(chosen.figures.job_age_seconds)
        about.append(f"  minute job: {chosen.figures.job_worst_step} {age} ago", "not bold")
    return about
