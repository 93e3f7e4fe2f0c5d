"""`make load-test`: asks first whether anybody is there, then lets Locust's users in.

    python -m load.users --url https://… --users 50 --minutes 5 --locust PYTHON

Locust has an environment of its own, whose interpreter `--locust` names. Exit code 1 if anything failed.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

SCENARIO = Path(__file__).with_name("locustfile.py")
PATIENCE = 10.0  # seconds


def main(
    url: Annotated[str, typer.Option(help="Of the API, without a path.")],
    users: Annotated[int, typer.Option(min=1, max=20_000, help="Four of five only look.")],
    minutes: Annotated[float, typer.Option(min=0.1, max=24 * 60, help="How long.")],
    locust: Annotated[Path, typer.Option(help="The interpreter that has Locust.")],
) -> None:
    """Let users search, look, book and cancel at a URL."""
    host = url.rstrip("/")
    if why := _objection(host):
        sys.exit(f"load-test: {why}")
    command = [str(locust), "-m", "locust", "-f", str(SCENARIO), "--headless", "--only-summary", "--host", host]
    how = ["--users", str(users), "--spawn-rate", "10", "--run-time", f"{minutes * 60:.0f}s", "--stop-timeout", "30"]
    sys.stdout.flush()
    os.execv(locust, command + how)


def _objection(host: str) -> str | None:
    """Why no users can be sent there."""
    if not host.startswith(("http://", "https://")):
        return f"URL={host} is no address of an API. Say it with its scheme: URL=http://127.0.0.1:8000"
    try:
        answer = httpx.get(f"{host}/livez", timeout=PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"nobody answers at {host} ({error}). Start the server first, for one here with `make dev`."
    if answer.status_code != httpx.codes.OK:
        return f"{host}/livez answers {answer.status_code}, which ParkingSpots does not. Is the URL right?"
    return None


if __name__ == "__main__":
    typer.run(main)
