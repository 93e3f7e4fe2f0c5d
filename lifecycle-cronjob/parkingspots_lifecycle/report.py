"""What people and programs are told of a run."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from parkingspots.kit.job_runs import Due
from parkingspots_lifecycle.job import Result, Told
from parkingspots_lifecycle.steps import Step


def of_results(results: Sequence[Result]) -> str:
    """One line."""
    return ", ".join(f"{result.step.name}: {result.outcome.done}" for result in results)


def failures(results: Sequence[Result]) -> str | None:
    """One sentence about what went wrong, if anything did. The same trouble of several steps is said once."""
    wrong: dict[str, list[str]] = {}
    for result in results:
        if result.failure is not None:
            wrong.setdefault(result.failure, []).append(result.step.name)
    said = "; ".join(f"{why} ({', '.join(names)})" for why, names in wrong.items())
    return said and f"not everything was done: {said}"


def results_as_json(results: Sequence[Result]) -> str:
    return json.dumps({"steps": [_result(result) for result in results]})


def _result(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    numbers = {"claimed": outcome.claimed, "done": outcome.done, "failed": outcome.failed}
    rest = {"error": outcome.error, "seconds": round(result.seconds, 3), **_due(outcome.left)}
    return {"step": result.step.name, **numbers, **rest}


def due_as_json(due: Sequence[tuple[Step, Due]]) -> str:
    return json.dumps({"steps": [{"step": step.name, "about": step.about, **_due(each)} for step, each in due]})


def _due(due: Due | None) -> dict[str, Any]:
    oldest = due.oldest.isoformat() if due and due.oldest else None
    return {"backlog": due and due.count, "oldest_due": oldest}


def due_as_table(due: Sequence[tuple[Step, Due]]) -> Table:
    table = Table(Column("step", no_wrap=True), "would", "due", "the first of them since")
    for step, each in due:
        table.add_row(step.name, step.about, f"{each.count:,}", _moment(each.oldest))
    return table


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if moment else "-"


@contextmanager
def progress(console: Console) -> Iterator[Told]:
    """Shows on a terminal what a step has moved so far; elsewhere nothing."""
    if not console.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn  # here: a program's start does not wait for it

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as shown:
        task = shown.add_task("")
        yield lambda step, moved: shown.update(task, description=f"{step.name}: {moved:,}")
