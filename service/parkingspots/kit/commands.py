"""What the command lines have in common: how they say their version, and what has gone wrong."""

import os
import sys
from contextlib import suppress
from errno import ENOSPC
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from parkingspots import __version__


def version_of(program: str) -> Any:  # noqa: ANN401 - typer says no more of its options
    """The option `--version`."""

    def say(wanted: bool) -> None:
        if wanted:
            typer.echo(f"{program} {__version__}")
            raise typer.Exit

    return typer.Option("--version", callback=say, is_eager=True, help="Say the version and end.")


def complaint(program: str, sentence: str) -> int:
    """Write a line about what went wrong; the exit code for it."""
    Console(stderr=True, soft_wrap=True).print(f"[red]{program}:[/red] {escape(sentence)}", highlight=False)
    return 1


def trouble(error: Exception) -> str:
    """The sentence for an OSError, of a file or a connection, or for one of SQLAlchemy's errors."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    if isinstance(error, OSError) and error.errno == ENOSPC:
        _let_go()
        return f"The output cannot be written: {error.strerror}."
    from parkingspots.kit.database import described  # here: a help text does not wait for it

    return f"The database (DATABASE_URL) refused or cannot be reached: {described(error)}"


def _let_go() -> None:
    """Of what has not gone out: Python would try again as it ends, and end with a code of its own."""
    with suppress(OSError, ValueError):  # a test's stand-in for the output has no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
