"""The whole OpenAPI document, tried at random by schemathesis on a served product, by people who have things there.

`PYTHONPATH=tests python -m contract.fuzz 10` does so for ten minutes, on servers of its own.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.fuzz_town import LEAVING, PEOPLE, Town, settle
from e2e.test_journey import served
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.settings import Settings

SCHEMATHESIS = str(Path(sys.executable).with_name("st"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "use_after_free",
)
IDS = {
    "path.user_id": "users",
    "path.session_id": "sessions",
    "path.spot_id": "spots",
    "path.slot_id": "availability_slots",
    "path.booking_id": "bookings",
    "path.review_id": "reviews",
    "query.owner_id": "users",
    "body.parking_spot_id": "spots",
    "body.booking_id": "bookings",
}
"""The parameters and fields that are ids, and of what."""
MOSTLY = 0.9
OFTEN = 0.7


def configuration(town: Town, who: str) -> str:
    """What schemathesis has to know (TOML) to be `who`: a token, ids of real things, and values that can be meant."""
    meant = _meant(datetime.now(UTC))
    lists = dict(town.ids) | meant
    lines = [
        *("[auth]", "auto-signup = false"),
        *("[dictionaries]", *(f'"{name}".values = {json.dumps(values)}' for name, values in lists.items())),
        *("[parameters]", *(_bound(where, table, MOSTLY) for where, table in IDS.items())),
        *(_bound(where, where, OFTEN) for where in meant),
    ]
    if who in town.tokens:
        lines += ["[headers]", _bearer(town.tokens[who])]
        for operation in LEAVING:
            lines += ["[[operations]]", f'include-operation-id = "{operation}"']
            lines += ["[operations.headers]", _bearer(town.tokens[operation])]
    return "\n".join(lines)


def _meant(now: datetime) -> dict[str, list[str]]:
    """By the field where chance alone would hardly come upon them."""
    starts = [(now + timedelta(hours=24 + number)).isoformat() for number in range(200)]
    ends = [(now + timedelta(hours=24 + number, minutes=50)).isoformat() for number in range(200)]
    return {
        **{f"{where}.start_time": starts for where in ("body", "query")},
        **{f"{where}.end_time": ends for where in ("body", "query")},
        "body.time_zone": ["Europe/Athens", "America/New_York", "Australia/Lord_Howe"],
        "body.currency": ["EUR", "USD", "JPY"],
        "body.status": ["confirmed", "cancelled"],
    }


def _bound(where: str, dictionary: str, probability: float) -> str:
    return f'"{where}" = {{ dictionary = "{dictionary}", probability = {probability} }}'


def _bearer(token: str) -> str:
    return f'Authorization = "Bearer {token}"'


def command(town: Town, who: str, folder: Path, *options: str) -> list[str]:
    """How to run schemathesis as `who`; its configuration goes to `folder`."""
    config = folder / f"{who}.toml"
    config.write_text(configuration(town, who))
    return [
        *(SCHEMATHESIS, "--config-file", str(config), "run", f"{town.url}/api/v1/openapi.json"),
        *("--checks", ",".join(CHECKS), *options),
    ]


def environment() -> dict[str, str]:
    """Without what measures the product's coverage, which would slow schemathesis down."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def fuzz(folder: Path, seconds: int) -> int:
    """Let each of the people try everything for so many seconds; the worst of schemathesis's exit codes."""
    with postgres(folder / "postgres", durable=False) as database, valkey(folder / "valkey") as cache:
        settings = Settings(_env_file=None, database_url=database.url, redis_url=cache.url, rate_limits_enabled=False)
        asyncio.run(migrating.upgrade(settings))
        with served(settings, folder / "server.log") as (url, _):
            town = settle(url, database.url)
            return max(_tried(town, who, folder, seconds) for who in PEOPLE)


def _tried(town: Town, who: str, folder: Path, seconds: int) -> int:
    print(f"\n=== {who}, {seconds} seconds ===", flush=True)
    options = ("--max-time", str(seconds), "--generation-database", "none", "--continue-on-failure")
    return subprocess.run(command(town, who, folder, *options), cwd=folder, env=environment(), check=False).returncode


def main() -> int:
    if not (len(sys.argv) == 2 and sys.argv[1].isdecimal() and int(sys.argv[1]) > 0):
        print("Say for how many minutes: FUZZ_MINUTES=10 make fuzz", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            return fuzz(Path(folder), int(sys.argv[1]) * 60 // len(PEOPLE))
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
