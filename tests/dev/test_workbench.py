"""One command runs the product on a laptop, and leaves nothing behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dev.terminal_session import STAND_IN, TerminalSession, inhabitants
from parkingspots.dev import cluster, workbench
from parkingspots.dev.ports import free_port
from parkingspots.dev.processes import until
from parkingspots.dev.terminal import Outlet
from parkingspots.monitor import home

READY = "ParkingSpots is ready"
Start = Callable[..., TerminalSession]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    sessions: list[TerminalSession] = []

    def begin(**how: object) -> TerminalSession:
        sessions.append(TerminalSession(tmp_path, **how))  # type: ignore[arg-type] # the test names what it wants
        return sessions[-1]

    yield begin
    for session in sessions:
        session.dispose()


def status_of(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/readyz")
    with connection.getresponse() as answer:
        connection.close()
        return answer.status


def test_the_panel_comes_when_the_api_answers_and_says_where_all_is(start: Start) -> None:
    session = start()
    assert session.sees("make dev RESET=1")
    assert status_of(session.port) == 200
    for told in (f"http://127.0.0.1:{session.port}/docs", "/redoc", "owner@demo.", "renter@demo.", "Ctrl-C"):
        assert told in session.screen


def test_it_serves_as_strictly_as_elsewhere(start: Start) -> None:
    """Whom to believe that it speaks for somebody else is a setting, and this machine is not in it."""
    session = start()
    assert session.sees(READY)
    url = f"http://127.0.0.1:{session.port}"
    answer = httpx.get(f"{url}/livez", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in answer.headers
    assert httpx.get(f"{url}/livez", headers={"X-Long": "x" * 70_000}).status_code == 431


def test_ctrl_c_ends_everything_within_five_seconds(start: Start) -> None:
    session = start()
    assert session.sees(READY)
    session.press_ctrl_c()
    assert session.ends_within(5)
    assert session.exit_code == 0
    assert "Traceback" not in session.screen


def test_ctrl_c_while_it_starts_ends_everything_too(start: Start) -> None:
    session = start()
    assert session.sees("Starting PostgreSQL")
    session.press_ctrl_c()
    assert session.ends_within(5)
    assert "Traceback" not in session.screen


def test_an_api_that_does_not_listen_is_ended_within_five_seconds(start: Start) -> None:
    session = start(fault="api-stubborn")
    assert session.sees(READY)
    session.press_ctrl_c()
    assert session.ends_within(5)
    assert session.exit_code == 0


def test_a_second_ctrl_c_hurries_and_is_clean(start: Start, tmp_path: Path) -> None:
    session = start(fault="api-stubborn")
    assert session.sees(READY)
    session.press_ctrl_c()
    assert session.sees("Stopping")
    session.press_ctrl_c()
    assert session.ends_within(5)
    assert session.exit_code == 0
    assert "database system is shut down" in (tmp_path / ".run/postgres/postgres.log").read_text()


def test_a_closed_terminal_ends_everything_within_five_seconds(start: Start) -> None:
    session = start()
    assert session.sees(READY)
    session.close()
    assert session.ends_within(5)


def test_killed_outright_it_leaves_no_process_and_starts_again(start: Start, tmp_path: Path) -> None:
    killed = start()
    assert killed.sees(READY)
    killed.kill()
    assert killed.ends_within(10)
    assert start().sees(READY)
    assert "database system is shut down" in (tmp_path / ".run/postgres/postgres.log").read_text()


def test_a_second_run_in_the_folder_is_refused_in_one_line_and_the_monitor_finds_the_first(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    assert first.sees(READY)
    monkeypatch.chdir(tmp_path)
    assert home.url() == f"http://127.0.0.1:{first.port}/metrics"
    second = start()
    told = f"already runs here: http://127.0.0.1:{first.port} (process {first.process.pid}). Stop it first"
    assert second.sees(told)
    assert second.exit_code == 1
    assert status_of(first.port) == 200


def test_a_reset_of_a_running_product_is_refused(start: Start, tmp_path: Path) -> None:
    assert start().sees(READY)
    assert start(options=["--reset"]).sees("already runs here")
    assert (tmp_path / ".run/postgres/data").exists()


def test_a_reset_starts_on_new_data(start: Start, tmp_path: Path) -> None:
    first = start()
    assert first.sees(READY)
    first.press_ctrl_c()
    assert first.ends_within(5)
    before = (tmp_path / ".run/postgres/passwords").read_text()
    assert start(options=["--reset"]).sees(READY)
    assert (tmp_path / ".run/postgres/passwords").read_text() != before


def test_a_taken_port_is_told_before_anything_starts(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        session = start(port=port)
        assert session.sees(f"Port {port} is taken. Stop what uses it, or choose another: PORT={port + 1} make dev")
        assert session.exit_code == 1
    assert not (tmp_path / ".run/postgres").exists()


def test_an_impossible_port_is_told(start: Start) -> None:
    session = start(port=70000)
    assert session.sees("70000 is no port: choose one from 1 to 65535")
    assert session.exit_code == 1


def test_a_program_that_ends_by_itself_is_named_and_ends_the_rest(start: Start, tmp_path: Path) -> None:
    session = start()
    assert session.sees(READY)
    postgres = next(pid for pid in inhabitants(tmp_path / ".run/postgres") if is_postmaster(pid))
    os.kill(postgres, signal.SIGTERM)
    assert session.sees("PostgreSQL ended by itself: ")
    assert session.ends_within(5)
    assert session.exit_code == 1


def is_postmaster(pid: int) -> bool:
    return b"listen_addresses" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_last_words_of_a_broken_api_are_shown(start: Start) -> None:
    session = start(fault="api-dies")
    assert session.sees("API ended by itself: the stand-in fell over")
    assert session.exit_code == 1
    assert session.ends_within(5)


def test_failing_demo_data_is_told_in_one_line(start: Start) -> None:
    session = start(fault="seed-fails")
    assert session.sees("Filling in demo data failed: There is no such city")
    assert session.exit_code == 1
    assert "Traceback" not in session.screen


def test_the_addresses_are_left_for_the_owner_alone(start: Start, tmp_path: Path) -> None:
    assert start().sees(READY)
    hint = tmp_path / ".run/environment"
    assert "DATABASE_URL='postgresql://parkingspots:" in hint.read_text()
    assert hint.stat().st_mode & 0o777 == 0o600


def test_no_password_stands_in_the_process_list(start: Start, tmp_path: Path) -> None:
    assert start().sees(READY)
    secrets = cluster.passwords(tmp_path / ".run/postgres/passwords")
    commands = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in inhabitants(tmp_path))
    assert secrets.application.encode() not in commands
    assert secrets.superuser.encode() not in commands
    assert (tmp_path / ".run/environment").read_text().split("redis://:")[1][:32].encode() not in commands


def test_the_death_of_make_ends_everything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "parkingspots", "dev", "--port", str(free_port())]
    make = subprocess.Popen(
        [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(STAND_IN), "MAKELEVEL": "1"},
        stdout=subprocess.PIPE,
    )
    assert make.stdout is not None
    with make.stdout as output:
        until_ready = iter(output.readline, b"")
        assert any(READY.encode() in line for line in until_ready)
        make.kill()
        assert make.wait() == -signal.SIGKILL
        assert until(lambda: not inhabitants(tmp_path), 5)


def test_a_folder_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".run").write_text("in the way")
    assert workbench.run(free_port(), reset=False) == 1
    assert capsys.readouterr().out == f"{tmp_path}/.run: File exists\n"


@pytest.mark.parametrize(("debug", "shows_where"), [("", False), ("1", True)])
def test_the_unexpected_is_one_line_and_a_traceback_for_those_who_ask(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debug: str,
    shows_where: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARKINGSPOTS_DEBUG", debug)
    monkeypatch.setattr(workbench, "_run_alone", lambda *_, **__: 1 / 0)
    assert workbench.run(free_port(), reset=False) == 1
    told = capsys.readouterr().out
    assert told.startswith("Unexpected: ZeroDivisionError('division by zero').")
    assert ("Traceback" in told) is shows_where


def test_a_closed_pipe_silences_the_terminal_and_breaks_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:  # noqa: PTH123 - it is a descriptor
        outlet = Outlet(stream)
        assert outlet.write("nobody reads this") == 17
        assert outlet.write("nor this") == 8
