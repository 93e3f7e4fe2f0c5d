"""What the developer sees: steps with their time, the programs' log lines, one panel, one line of failure."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from time import monotonic
from typing import IO, TextIO, cast

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


class Outlet:
    """A text stream that a closed terminal or pipe turns silent, where writing would raise."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.isatty, self.fileno = stream.isatty, stream.fileno

    def write(self, text: str) -> int:
        """Write and flush `text`; never raises OSError."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._silence()
        return len(text)

    def flush(self) -> None:
        """Nothing to do: each write flushes."""

    def _silence(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


class Terminal:
    """The developer's terminal."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ shows ? rather than nothing
        self._console = Console(file=cast("IO[str]", Outlet(sys.stdout)), highlight=False)

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Show `doing` while the block runs, and `done` with its seconds after it."""
        began = monotonic()
        with self._console.status(f"{doing} …"):
            yield
        self._console.print(f"[green]✓[/] {done} [dim]{monotonic() - began:.1f} s[/]")

    def say(self, line: str) -> None:
        """One plain line."""
        self._console.print(Text(line), soft_wrap=True)

    def relay(self, name: str, line: str) -> None:
        """A log line of the program `name`."""
        self._console.print(Text(f"{name:>9} │ ", style="dim") + Text.from_ansi(line), soft_wrap=True)

    def fail(self, line: str) -> None:
        """The one line that says why the run ends."""
        self._console.print(Text(line, style="bold red"), soft_wrap=True)

    def traceback(self) -> None:
        """The exception being handled, for those who asked."""
        self._console.print_exception()

    def panel(self, title: str, rows: Mapping[str, str]) -> None:
        """A box of names and values."""
        grid = Table.grid(padding=(0, 2))
        for name, value in rows.items():
            grid.add_row(Text(name, style="bold"), Text(value))
        self._console.print(Panel(grid, title=title, expand=False, border_style="green", padding=(1, 2)))
