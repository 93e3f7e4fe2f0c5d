"""The command line: what daily use can bring is one line and an exit code, never a traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands import Command, Run, complaint, run_in_this_process
from operations import DOCUMENT
from parkingspots import __version__, cli
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import PostgresServer
from parkingspots.settings import Settings

COMMANDS = [
    *(("serve",), ("dev",), ("seed",), ("create-admin",), ("openapi",), ("ledger", "check"), ("cache", "purge")),
    *(("doctor",), ("journey",), ("monitor",)),
    *(("migrate", name) for name in ("upgrade", "downgrade", "current", "heads", "wait")),
]
BAD_SETTINGS = {"ENVIRONMENT": "production"}


command = pytest.fixture(run_in_this_process)


@pytest.fixture
def nowhere() -> str:
    """The URL of a database that nobody serves."""
    return f"postgresql://app:hidden@{HOST}:{free_port()}/spots"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_has_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli.app, [*path, "--help"], env={"COLUMNS": "120", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert re.search(rf"Example: .*parkingspots {' '.join(path)}", shown.output)


def test_every_command_is_in_the_list_above() -> None:
    listed = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "120", "TERM": "dumb"}).output
    named = {each.name or getattr(each.callback, "__name__", "") for each in cli.app.registered_commands}
    assert {path[0] for path in COMMANDS} == named | {"migrate", "ledger", "cache"}
    assert all(name in listed for name in named)


def test_it_says_its_version() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).output.strip() == f"parkingspots {__version__}"


def test_the_openapi_document_is_the_same_whatever_the_environment(command: Command) -> None:
    printed = command("openapi", **BAD_SETTINGS, CORS_ORIGINS="*")
    assert printed.code == 0, printed.errors
    assert json.loads(printed.output) == DOCUMENT


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)], ids=["one process", "workers", "reload"])
def test_serving_with_bad_settings_is_refused_in_one_line(command: Command, options: tuple[str, ...]) -> None:
    run = command("serve", *options, **BAD_SETTINGS, SECRET_KEY="a secret that is too short")
    assert complaint(run).startswith("SECRET_KEY is too short")
    assert "a secret" not in run.errors + run.output


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)], ids=["one process", "workers", "reload"])
def test_a_port_that_is_taken_is_told_in_one_line(
    command: Command, postgres_server: PostgresServer, options: tuple[str, ...]
) -> None:
    taken = postgres_server.url.rsplit(":", 1)[1].split("/")[0]
    run = command("serve", "--port", taken, *options)
    assert f"{HOST}:{taken} cannot be listened on: Address already in use" in complaint(run)


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_told_in_one_line(command: Command, host: str) -> None:
    assert f"{host}:8000 cannot be listened on" in complaint(command("serve", "--host", host))


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate", "upgrade"),
        ("migrate", "downgrade", "base"),
        ("migrate", "current"),
        ("migrate", "wait", "--timeout", "0"),
    ],
    ids=" ".join,
)
def test_a_database_that_cannot_be_reached_is_told_in_one_line(
    command: Command, arguments: tuple[str, ...], nowhere: str
) -> None:
    said = complaint(command(*arguments, DATABASE_URL=nowhere))
    assert "cannot be reached" in said
    assert "hidden" not in said


def test_a_file_that_cannot_be_written_is_no_trouble_of_the_database(command: Command, settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    said = complaint(command("migrate", "upgrade", "--report", "/nowhere/report", DATABASE_URL=url))
    assert said == "/nowhere/report cannot be used: No such file or directory."


@pytest.mark.parametrize("program", ["parkingspots openapi", "parkingspots-lifecycle run --dry-run --json"])
def test_a_full_disk_is_no_trouble_of_the_database(settings: Settings, program: str) -> None:
    name, *arguments = program.split()
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", name.replace("-", "_"), *arguments],
            env=os.environ | {"PYTHONUNBUFFERED": "", "DATABASE_URL": settings.database_url.get_secret_value()},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == f"{name}: The output cannot be written: No space left on device.\n"


def test_a_password_that_the_database_refuses_is_told_in_one_line(command: Command, settings: Settings) -> None:
    url = settings.sqlalchemy_url.set(drivername="postgresql", password="hidden").render_as_string(hide_password=False)
    said = complaint(command("migrate", "current", DATABASE_URL=url))
    assert "password authentication failed" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate", "upgrade", "nonsense"),
        ("migrate", "downgrade", "nonsense"),
        ("migrate", "upgrade", "nonsense", "--sql"),
    ],
)
def test_a_revision_that_is_not_there_is_told_in_one_line(
    command: Command, settings: Settings, arguments: tuple[str, ...]
) -> None:
    run = command(*arguments, DATABASE_URL=settings.database_url.get_secret_value())
    assert "nonsense" in complaint(run)


@pytest.mark.parametrize("arguments", [("migrate", "current"), ("seed",)], ids=" ".join)
def test_bad_settings_are_told_in_one_line(command: Command, arguments: tuple[str, ...]) -> None:
    assert complaint(command(*arguments, DATABASE_URL="mysql://app:hidden@db/spots")).startswith("DATABASE_URL: use ")


def test_what_is_no_command_is_a_question_of_usage() -> None:
    for arguments in (
        ["nonsense"],
        ["serve", "--port", "70000"],
        ["serve", "--workers", "0"],
        ["migrate", "wait", "--timeout", "x"],
    ):
        run = CliRunner().invoke(cli.app, arguments)
        assert run.exit_code == 2
        assert "Traceback" not in run.output


def test_a_database_goes_up_and_down_and_says_where_it_is(command: Command, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("by_command")
    try:
        heads = command("migrate", "heads").output.strip()
        assert command("migrate", "current", DATABASE_URL=url).output == "base\n"
        assert command("migrate", "upgrade", DATABASE_URL=url).output == f"The database is at revision {heads}.\n"
        assert command("migrate", "current", DATABASE_URL=url).output == f"{heads}\n"
        assert command("migrate", "wait", DATABASE_URL=url).output == "The database is ready.\n"
        assert command("migrate", "downgrade", "base", DATABASE_URL=url).output == "The database is at revision base.\n"
    finally:
        postgres_server.drop_database("by_command")


def test_the_sql_of_a_migration_needs_no_database(command: Command, nowhere: str) -> None:
    printed = command("migrate", "upgrade", "--sql", DATABASE_URL=nowhere)
    assert printed.code == 0, printed.errors
    assert printed.output.startswith("SET lock_timeout = '2s';")
    assert "CREATE TABLE bookings" in printed.output


def test_a_file_named_env_that_is_no_text_is_told_in_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path)
    assert ".env is not UTF-8 text" in complaint(command("migrate", "current"))


def test_a_process_of_its_own_ends_with_the_same_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "parkingspots", "serve", "--reload"]
    run = subprocess.run(command, env=BAD_SETTINGS, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "SECRET_KEY is " in complaint(Run(run.returncode, run.stdout, run.stderr))


def test_a_migration_reports_where_it_came_from_and_went(
    command: Command, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url, report = postgres_server.create_database("reported"), tmp_path / "report.json"
    try:
        heads = command("migrate", "heads").output.strip()
        for before in (None, heads):
            assert command("migrate", "upgrade", "--report", str(report), "--wait", "1", DATABASE_URL=url).code == 0
            assert json.loads(report.read_text(encoding="utf-8")) == {"from": before, "to": heads}
    finally:
        postgres_server.drop_database("reported")


def test_a_migration_waits_for_a_database_that_is_not_there_yet(command: Command, nowhere: str) -> None:
    said = complaint(command("migrate", "upgrade", "--wait", "0.1", DATABASE_URL=nowhere))
    assert "cannot be reached" in said


def test_a_cache_that_is_away_cannot_be_purged(command: Command) -> None:
    said = complaint(command("cache", "purge", "--release", "1", REDIS_URL=f"redis://:hidden@{HOST}:{free_port()}"))
    assert "REDIS_URL" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    "options", [("--workers", "2"), ("--port", "9090")], ids=["several processes", "the clients' port"]
)
def test_a_metrics_port_that_cannot_be_is_refused(command: Command, options: tuple[str, ...]) -> None:
    assert "METRICS_PORT" in complaint(command("serve", *options, METRICS_PORT="9090"))
