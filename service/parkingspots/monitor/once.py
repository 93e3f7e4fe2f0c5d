"""Two looks, and what they say: for scripts as JSON, for people as a table."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from parkingspots.monitor.by_route import by_route
from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.watch import Watch
from parkingspots.monitor.watched import Pod, Watched


async def two_looks(watch: Watch) -> None:
    """So that there are rates: one, and one an interval later."""
    await watch.look()
    await asyncio.sleep(watch.interval)
    await watch.look()


def as_json(watch: Watch) -> str:
    """The document that docs/monitor.md describes."""
    document = {
        "interval_seconds": watch.interval,
        "pods": [_pod(pod) for pod in watch.pods],
        "total": _figures(watch.total),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def as_table(watch: Watch) -> Table:
    """A row a figure, a column a pod."""
    shown: Sequence[Watched] = [*watch.pods, watch.total] if len(watch.pods) > 1 else watch.pods
    table = Table("", *(escape(each.name) for each in shown), header_style="bold")
    for column in COLUMNS:
        table.add_row(column.title, *(Text(column.text(each.figures), justify="right") for each in shown))
    if watch.answering < len(watch.pods):
        table.add_row("trouble", *(Text(each.trouble or "") for each in shown))
    return table


def _pod(pod: Pod) -> dict[str, Any]:
    return {"pod": pod.name, "url": _without_password(pod.url), "trouble": pod.trouble, **_figures(pod)}


def _figures(watched: Watched) -> dict[str, Any]:
    return {**asdict(watched.figures), "routes": [asdict(each) for each in by_route(watched.sight)]}


def _without_password(url: str) -> str | None:
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}" if url else None
