"""What keys and columns mean, over the screen."""

from typing import ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.words import NOBODY_KNOWS

KEYS = (
    ("↑ ↓", "choose a pod; its routes stand below"),
    ("tab", "go to the routes and back"),
    ("← →", "scroll sideways"),
    ("s, S", "sort by the next column, or by the one before; a click on a title does it too"),
    ("r", "the other way round"),
    ("p", "let the screen stand still; looking goes on"),
    ("?", "this page; any of ?, escape and q leaves it"),
    ("q, ctrl+c", "quit"),
)


class Help(ModalScreen[None]):
    """Goes when one of its keys is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter", "dismiss", "Back")]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as page:
            page.border_title = "Keys and columns"
            yield Static(_listed(KEYS))
            yield Static(
                f"\nOf the last ten seconds; bookings of the last minute. {NOBODY_KNOWS} is what nobody knows.\n"
            )
            yield Static(_listed([(column.title, column.about) for column in COLUMNS]))


def _listed(rows: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    for name, about in rows:
        table.add_row(name, about)
    return table
