"""Run the monitor."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from parkingspots.monitor import home, once
from parkingspots.monitor.pods import Pods
from parkingspots.monitor.scraper import Scraper
from parkingspots.monitor.targets import Discovery, NoTarget, Urls
from parkingspots.monitor.watch import Watch

if TYPE_CHECKING:
    from parkingspots.monitor.screen import Monitor


def discovery(urls: Sequence[str], namespace: str | None, context: str | None) -> Discovery:
    """Where to look; raises NoTarget."""
    if namespace is None:
        if context is not None:
            raise NoTarget("--context goes with --namespace.")
        return Urls(urls or [home.url()])
    if urls:
        raise NoTarget("Give URLs or --namespace, not both.")
    return Pods(namespace, context)


def show(where: Discovery, interval: float) -> None:
    """The screen, until it is left; raises NoTarget where it cannot be drawn."""
    try:
        from parkingspots.monitor.screen import Monitor
    except ModuleNotFoundError as error:
        raise NoTarget(
            f"The screen needs {error.name}, which is not installed: pip install 'parkingspots[monitor]'."
            " --once does without."
        ) from None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTarget("The screen needs a terminal. For scripts there is --once --json.")
    asyncio.run(_show(where, interval, Monitor))


async def _show(where: Discovery, interval: float, screen: "type[Monitor]") -> None:
    async with Scraper() as scraper:
        try:
            await where.targets()  # or a sentence, before there is a screen
            await screen(Watch(where, scraper, interval)).run_async()
        finally:
            await where.aclose()


def look_once(where: Discovery, interval: float, *, as_json: bool) -> None:
    """Write what two looks say; raises NoTarget where nothing answers."""
    watch = asyncio.run(_look_twice(where, interval))
    if watch.trouble and not watch.pods:
        raise NoTarget(watch.trouble)
    if not watch.answering:
        raise NoTarget("Nothing answers: " + "; ".join(f"{pod.name}: {pod.trouble}" for pod in watch.pods) + ".")
    if as_json:
        print(once.as_json(watch))  # noqa: T201 - its output
    else:
        Console().print(once.as_table(watch))


async def _look_twice(where: Discovery, interval: float) -> Watch:
    async with Scraper() as scraper:
        watch = Watch(where, scraper, interval)
        try:
            await once.two_looks(watch)
        finally:
            await where.aclose()
        return watch
