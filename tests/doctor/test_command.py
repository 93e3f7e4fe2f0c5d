"""`parkingspots doctor` as people and programs meet it: lines, keys, exit codes, and never a traceback or a secret."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from commands import Command, Run, complaint, run_in_this_process
from parkingspots import __version__
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import PostgresServer
from parkingspots.doctor import examining, hiding, report
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.examining import Line
from parkingspots.doctor.finding import Finding, State, ok, warn
from parkingspots.doctor.readings import Reading
from parkingspots.doctor.registry import GROUPS, NAMES
from parkingspots.doctor.world import Options, World
from parkingspots.settings import DEFAULT_SECRET_KEY, Settings

command = pytest.fixture(run_in_this_process)
PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def here(settings: Settings) -> dict[str, str]:
    """The environment that leads to the tests' servers."""
    return {"DATABASE_URL": settings.database_url.get_secret_value(), "REDIS_URL": settings.cache_url}


def told(run: Run) -> dict[tuple[str, str], dict[str, str]]:
    assert "Traceback" not in run.errors + run.output
    return {(each["group"], each["check"]): each for each in json.loads(run.output)["checks"]}


def test_warnings_alone_are_no_failure_unless_they_are_to_be(command: Command, here: dict[str, str]) -> None:
    run = command("doctor", "--json", **here)
    assert {each["state"] for each in told(run).values()} == {"ok", "warn", "skipped"}
    assert run.code == 0
    assert command("doctor", "--json", "--strict", **here).code == 1


def test_a_database_that_is_away_is_exit_code_1_and_no_traceback(command: Command) -> None:
    run = command("doctor", "--json", DATABASE_URL=f"postgresql://app:hidden@{HOST}:{free_port()}/spots")
    assert run.code == 1
    assert told(run)["database", "reach"]["state"] == "fail"
    assert told(run)["settings", "readable"]["state"] == "ok"


def test_a_default_secret_in_production_fails_and_the_database_is_looked_at_all_the_same(
    command: Command, here: dict[str, str]
) -> None:
    run = command("doctor", "--json", ENVIRONMENT="production", **here)
    found = told(run)
    assert run.code == 1
    assert "SECRET_KEY is the default one" in found["settings", "readable"]["says"]
    assert found["settings", "secret-key"]["state"] == "fail"
    assert "token_urlsafe" in found["settings", "secret-key"]["mend"]
    assert found["database", "reach"]["state"] == "ok"
    assert found["server", "wal"]["state"] == "fail", "it is judged as production is"
    assert DEFAULT_SECRET_KEY not in run.output


def test_settings_that_nobody_can_read_fail_and_the_rest_is_skipped(command: Command) -> None:
    run = command("doctor", "--json", DATABASE_URL="mysql://app:planted-password@db/spots")
    found = told(run)
    assert found["settings", "readable"]["state"] == "fail"
    assert "DATABASE_URL: use the form" in found["settings", "readable"]["says"]
    others = {name for name in found if name[0] != "machine"} - {("settings", "readable")}
    assert {found[name]["state"] for name in others} == {"skipped"}
    assert "planted-password" not in run.output + run.errors


def test_an_env_file_that_is_no_text_is_a_finding(command: Command) -> None:
    Path(".env").write_bytes(b"\xff\xfe")
    assert ".env is not UTF-8" in told(command("doctor", "--json"))["settings", "readable"]["says"]


PLANTED = {
    "SECRET_KEY": "planted-secret-key-0123456789-abcdefgh",
    "SECRET_KEY_PREVIOUS": "planted-previous-key-0123456789-abcdef",
    "STRIPE_SECRET_KEY": "sk_live_planted_key_0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_planted_0123456789,whsec_planted_second_0123",
    "SMTP_URL": f"smtp://post:planted-mail-password@{HOST}:9",
    "DATABASE_PASSWORD": "planted-database-password",
    "REDIS_PASSWORD": "planted-cache-password",
}


@pytest.mark.parametrize("options", [("--json",), ()], ids=["for programs", "for people"])
@pytest.mark.parametrize("environment", ["development", "production", "nonsense"])
def test_no_secret_is_ever_shown(command: Command, environment: str, options: tuple[str, ...]) -> None:
    port = str(free_port())
    where = {"DATABASE_HOST": HOST, "DATABASE_PORT": port, "REDIS_PORT": port, "ENVIRONMENT": environment}
    paying = {"SKIP_PAYMENT_PROCESSING": "false", "STRIPE_API_BASE": f"http://{HOST}:{port}"}
    run = command("doctor", "--online", *options, **where, **paying, **PLANTED)
    assert run.code == 1
    assert "planted" not in run.output + run.errors


async def test_what_a_check_repeats_of_a_secret_is_hidden(settings: Settings) -> None:
    async def indiscreet(world: World) -> Finding:
        return ok(f"It is {world.settings.cache_url}.", f"redis-cli -u {world.settings.cache_url}")

    world = World(Options(), Reading(settings))
    group = Group("group", (Check("check", indiscreet),))
    (line,) = await examining.examine([group], world, hiding.hiding(settings))
    assert (line.finding.says, line.finding.mend) == ("It is ***.", "redis-cli -u ***")


async def test_a_password_behind_the_question_mark_is_hidden_too(settings: Settings) -> None:
    async def indiscreet(world: World) -> Finding:
        return ok(f"It is planted/password, or of {world.settings.cache_url.rpartition('/')[2]}.")

    url = SecretStr(f"redis://{HOST}/0?socket_timeout=1&password=planted%2Fpassword")
    own = settings.model_copy(update={"redis_url": url})
    group = Group("group", (Check("check", indiscreet),))
    (line,) = await examining.examine([group], World(Options(), Reading(own)), hiding.hiding(own))
    assert line.finding.says == "It is ***, or of 0?socket_timeout=1&password=***."


async def test_a_check_that_is_broken_or_never_answers_is_a_sentence(settings: Settings) -> None:
    async def broken(_world: World) -> Finding:
        raise KeyError("planted")

    async def silent(world: World) -> Finding:
        async with world.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")
        raise AssertionError

    world = World(Options(), Reading(settings))
    group = Group("group", (Check("broken", broken), Check("silent", silent, seconds=0.2)))
    try:
        lines = await examining.examine([group], world, hiding.hiding(settings))
    finally:
        await world.aclose()
    assert [line.finding.state for line in lines] == [State.FAIL, State.FAIL]
    assert "This check is broken (KeyError in test_command.py" in lines[0].finding.says
    assert lines[1].finding.says == "There was no answer within 0.2 s."
    assert "planted" not in lines[0].finding.says


def test_one_group_alone_can_be_looked_at(command: Command) -> None:
    assert {group for group, _ in told(command("doctor", "--json", "--only", "machine"))} == {"machine"}
    both = told(command("doctor", "--json", "--only", "mail", "--only", "machine"))
    assert [group for group, _ in both] == ["machine", "mail"]


@pytest.mark.parametrize("group", ["schema", "job", "sessions", "connections", "server"])
def test_what_keeps_a_group_from_being_looked_at_is_told_and_fails(command: Command, group: str) -> None:
    run = command("doctor", "--json", "--only", group, DATABASE_URL=f"postgresql://a:b@{HOST}:{free_port()}/c")
    found = told(run)
    assert run.code == 1
    assert found.pop(("database", "reach"))["state"] == "fail"
    assert {(name, each["state"]) for (name, _), each in found.items()} == {(group, "skipped")}


@pytest.mark.parametrize("group", ["database", "cache", "payments", "mail", "job"])
def test_no_group_is_well_where_nobody_can_read_the_settings(command: Command, group: str) -> None:
    run = command("doctor", "--json", "--only", group, DATABASE_URL="mysql://app@db/spots")
    assert run.code == 1
    assert told(run)["settings", "readable"]["state"] == "fail"


def test_a_group_that_is_not_there_is_a_question_of_usage(command: Command) -> None:
    run = command("doctor", "--only", "nonsense")
    assert run.code == 2
    assert "nonsense" in run.errors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--context", "nix"], "--context goes with --namespace."),
        (["--release", "x", "--only", "machine"], "--release goes with --namespace."),
        (["--only", "cluster"], "--only cluster goes with --namespace."),
        (["--dev", "--namespace", "x"], "Give --dev or --namespace, not both."),
    ],
)
def test_options_that_do_not_go_together_are_refused(command: Command, arguments: list[str], sentence: str) -> None:
    run = command("doctor", *arguments)
    assert complaint(run, code=2) == sentence
    assert not run.output


def test_its_json_has_the_keys_of_the_page(command: Command) -> None:
    run = command("doctor", "--json", "--only", "machine")
    assert json.loads(run.output) == {
        "version": __version__,
        "ok": True,
        "counts": {"ok": 1, "warn": 0, "fail": 0, "skipped": 0},
        "checks": [
            {
                "group": "machine",
                "check": "python",
                "state": "ok",
                "says": f"ParkingSpots {__version__} on Python {'.'.join(map(str, sys.version_info[:3]))}.",
                "mend": None,
            }
        ],
    }
    page = PAGE.read_text()
    assert all(f"`{key}`" in page for key in ("version", "ok", "counts", "checks", *told(run)["machine", "python"]))


def test_the_page_names_every_group_and_every_check() -> None:
    page = PAGE.read_text()
    for group in GROUPS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{group.name}` |"))
        assert [check.name for check in group.checks if f"`{check.name}`" not in row] == []


def test_each_check_of_a_group_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for group in GROUPS:
        assert len({check.name for check in group.checks}) == len(group.checks)


def test_a_page_that_says_more_is_no_command(command: Command) -> None:
    run = command("doctor", "--only", "payments", SKIP_PAYMENT_PROCESSING="false", STRIPE_SECRET_KEY="none")
    assert "$ https://" not in run.output


def test_for_people_each_finding_is_a_line_and_each_command_another(command: Command) -> None:
    run = command(
        "doctor", "--only", "database", "--only", "mail", DATABASE_URL=f"postgresql://a:b@{HOST}:{free_port()}/c"
    )
    lines = run.output.splitlines()
    assert lines[0] == "database"
    assert lines[1].startswith("  fail     reach                  PostgreSQL at")
    assert lines[2].startswith("           $ pg_isready")
    assert lines[3] == (
        "  skipped  version, role, privileges, extensions, encoding, clock: The database cannot be reached."
    )
    assert lines[-2:] == ["  skipped  mail: SMTP_URL is not set.", "1 failed, 7 skipped."]


def test_a_narrow_terminal_shows_whole_sentences_and_commands_on_one_line() -> None:
    says, mend = "A sentence that is longer than a narrow terminal is wide.", f"command {'--option ' * 12}".strip()
    lines = [Line("group", "one", warn(says, mend)), Line("group", "two", Finding(State.SKIPPED, says))]
    written = io.StringIO()
    report.show(lines, Console(file=written, force_terminal=True, color_system=None, width=60))
    assert " ".join(written.getvalue().split()).count("narrow terminal is wide.") == 2
    assert mend in written.getvalue()


def test_a_very_narrow_terminal_breaks_no_word() -> None:
    says = "shared_buffers is 128MB, and a sentence has words such as written, reached and installed."
    found = [warn(says, "command"), Finding(State.SKIPPED, says)]
    written = io.StringIO()
    lines = [Line("group", "synchronous_commit", finding) for finding in found]
    report.show(lines, Console(file=written, force_terminal=True, color_system=None, width=40))
    assert set(says.split()) <= set(written.getvalue().split())
    assert "…" not in written.getvalue()
    assert max(map(len, written.getvalue().splitlines())) <= 40


def test_it_finds_the_servers_of_make_dev_by_itself(
    command: Command, here: dict[str, str], postgres_server: PostgresServer
) -> None:
    Path(".run").mkdir()
    Path(".run", "environment").write_text("".join(f"export {name}='{value}'\n" for name, value in here.items()))
    found = told(command("doctor", "--json"))
    assert "on the servers of make dev" in found["settings", "readable"]["says"]
    assert found["database", "reach"]["state"] == found["cache", "reach"]["state"] == "ok"
    elsewhere = {"DATABASE_URL": f"postgresql://app@{HOST}:{free_port()}/spots", "ENVIRONMENT": "production"}
    assert told(command("doctor", "--json", **elsewhere))["database", "reach"]["state"] == "fail"
    asked_for = told(command("doctor", "--json", "--dev", **elsewhere))
    assert asked_for["database", "reach"]["state"] == asked_for["settings", "readable"]["state"] == "ok"
    assert postgres_server.url not in json.dumps(list(found.values()))


def test_servers_of_make_dev_that_have_ended_are_to_be_started_again(command: Command) -> None:
    Path(".run").mkdir()
    gone = {"DATABASE_URL": f"postgresql://a:b@{HOST}:{free_port()}/c", "REDIS_URL": f"redis://{HOST}:{free_port()}/0"}
    Path(".run", "environment").write_text("".join(f"export {name}='{value}'\n" for name, value in gone.items()))
    found = told(command("doctor", "--json"))
    assert found["database", "reach"]["mend"] == found["cache", "reach"]["mend"] == "make dev"


def test_the_servers_of_make_dev_are_asked_for_and_not_there(command: Command) -> None:
    assert "run `make dev`" in complaint(command("doctor", "--dev"))


def test_a_process_of_its_own_ends_with_the_findings(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "parkingspots", "doctor", "--only", "machine", "--only", "settings"]
    environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    run = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "The product does not start: SECRET_KEY is the default one" in run.stdout
    assert run.stderr == ""
