# ruff: noqa: INP001, S603, S311, T201 - a program of its own, which runs servers, makes up traffic and reports
"""Make the pictures of docs/images/ anew, of the product as it runs: `make screenshots`.

Three processes of the API and the minute job on a PostgreSQL and a Valkey of their own, half a minute of made-up
traffic, the monitor beside it, and a headless Chromium that opens /docs.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from textual.pilot import Pilot

from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.monitor.scraper import Scraper
from parkingspots.monitor.screen import Monitor
from parkingspots.monitor.targets import Urls
from parkingspots.monitor.watch import Watch

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PROCESSES = 3
READY_WITHIN = 60.0  # seconds
LOOKS = 45
SCREEN = (156, 32)
PAGE = (1280, 1000)
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
PASSWORD = "correct horse"  # noqa: S105 - of people whom nobody else meets
SPOTS, RENTERS, READERS = 8, 4, 6
ATHENS = (37.9838, 23.7275)


def main() -> None:
    """Write both pictures."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        sys.exit(f"The picture of /docs needs Chromium: install one of {', '.join(CHROMIUM)}.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, product(Path(folder)) as urls:
        (IMAGES / "monitor.svg").write_text(asyncio.run(monitored(urls)), encoding="utf-8")
        photograph(chromium, f"{urls[0]}/docs", IMAGES / "docs.png", Path(folder))
    for image in sorted(IMAGES.iterdir()):
        print(f"{image.relative_to(IMAGES.parents[1])}: {image.stat().st_size / 1e3:.0f} KB")


@contextmanager
def product(folder: Path) -> Iterator[Sequence[str]]:
    """The URLs of processes that serve, while the block lasts."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "postgres", durable=False))
        cache = stack.enter_context(valkey(folder / "valkey"))
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "REDIS_URL": cache.url,
            "RATE_LIMITS_ENABLED": "false",
        }
        for command in (("migrate", "upgrade"), ("seed",)):
            status, output = processes.run([*program("parkingspots"), *command], environment=environment)
            if status:
                sys.exit(output)
        stack.enter_context(running([*program("parkingspots_lifecycle"), "loop"], environment, folder / "job.log"))
        urls = []
        for _ in range(PROCESSES):
            port = free_port()
            serve = [*program("parkingspots"), "serve", "--port", str(port)]
            stack.enter_context(running(serve, environment, folder / f"{port}.log"))
            urls.append(f"http://{HOST}:{port}")
        if not processes.until(lambda: all(map(is_ready, urls)), READY_WITHIN):
            sys.exit(f"The product was not ready within {READY_WITHIN:g} seconds.")
        yield urls


def program(module: str) -> Sequence[str]:
    return (sys.executable, "-m", module)


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = processes.start(command, output=output, environment=environment)
        try:
            yield
        finally:
            processes.stop(process, [(signal.SIGTERM, 10.0)])


def is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz").is_success
    return False


async def monitored(urls: Sequence[str]) -> str:
    """What the monitor shows after a while of traffic, as SVG."""
    picture = ""

    async def look(pilot: Pilot[object]) -> None:
        nonlocal picture
        for _ in range(LOOKS):
            monitor.looked.clear()
            await monitor.looked.wait()
        await pilot.pause()
        picture = monitor.export_screenshot(title="parkingspots monitor", simplify=True)
        monitor.exit()

    async with Scraper() as scraper:
        monitor = Monitor(Watch(Urls(urls), scraper, interval=1.0))
        traffic = asyncio.create_task(people(urls))
        await monitor.run_async(headless=True, size=SCREEN, auto_pilot=look)
        traffic.cancel()
        with suppress(asyncio.CancelledError):
            await traffic
    return without_fonts_from_elsewhere(picture)


async def people(urls: Sequence[str]) -> None:
    """Some who read, and some who book; each meets any of the processes."""
    async with httpx.AsyncClient(timeout=10) as client:
        owner = await somebody(client, urls[0], "owner")
        spots = [await list_spot(client, urls[0], owner) for _ in range(SPOTS)]
        renters = [await somebody(client, urls[0], "user") for _ in range(RENTERS)]
        await asyncio.gather(
            *(read(client, urls, spots) for _ in range(READERS)),
            *(book(client, urls, spots, renter) for renter in renters),
        )


async def somebody(client: httpx.AsyncClient, url: str, role: str) -> Mapping[str, str]:
    """The headers of a new account."""
    account = {"email": f"{random.getrandbits(64):x}@example.com", "password": PASSWORD}
    about = {"full_name": "Somebody", "role": "owner"} if role == "owner" else {"full_name": "Somebody"}
    (await client.post(f"{url}/api/v1/auth/register", json=account | about)).raise_for_status()
    tokens = (await client.post(f"{url}/api/v1/auth/login", json=account)).raise_for_status().json()
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def list_spot(client: httpx.AsyncClient, url: str, owner: Mapping[str, str]) -> str:
    spot = {
        "title": "Courtyard behind the station",
        "spot_type": "covered",
        "vehicle_size": "standard",
        "address": "Deligianni 12",
        "city": "Athens",
        "prefecture": "Attica",
        "zip_code": "10439",
        "latitude": ATHENS[0] + random.uniform(-0.03, 0.03),
        "longitude": ATHENS[1] + random.uniform(-0.03, 0.03),
        "hourly_rate": 250,
    }
    answer = await client.post(f"{url}/api/v1/parking-spots/", json=spot, headers=owner)
    return str(answer.raise_for_status().json()["id"])


async def read(client: httpx.AsyncClient, urls: Sequence[str], spots: Sequence[str]) -> None:
    while True:
        api = f"{random.choice(urls)}/api/v1/parking-spots"
        place = {"latitude": ATHENS[0] + random.randint(-9, 9) / 300, "longitude": ATHENS[1], "radius_km": 3}
        await client.get(f"{api}/search", params=place)
        await client.get(f"{api}/{random.choice(spots)}")
        await asyncio.sleep(random.uniform(0.02, 0.1))


async def book(client: httpx.AsyncClient, urls: Sequence[str], spots: Sequence[str], renter: Mapping[str, str]) -> None:
    """Some slots are taken by then: this is how somebody learns of it."""
    day = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    while True:
        api, start = f"{random.choice(urls)}/api/v1/bookings/", day + timedelta(hours=random.randrange(240))
        wish = {
            "parking_spot_id": random.choice(spots),
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=2)).isoformat(),
        }
        await client.post(api, json=wish, headers=renter)
        await client.get(api, headers=renter)
        await asyncio.sleep(random.uniform(0.2, 1))


def without_fonts_from_elsewhere(picture: str) -> str:
    """The picture with the reader's own fonts: one in a page loads nothing."""
    return re.sub(
        r"font-family:[^;]*Fira Code[^;]*;",
        f"font-family: {FONT};",
        re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL),
    )


def photograph(chromium: str, url: str, image: Path, folder: Path) -> None:
    """A page as Chromium shows it, once it has settled."""
    width, height = PAGE
    command = [
        chromium,
        "--headless",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'chromium'}",
        f"--window-size={width},{height}",
        "--virtual-time-budget=15000",
        f"--screenshot={image}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        url,
    ]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode or not image.exists():
        sys.exit(f"Chromium made no picture of {url}: {asked.stderr}")


if __name__ == "__main__":
    main()
