"""The embedded PostgreSQL and Valkey: they keep what they should, and nothing survives its parent."""

import errno
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from dev.terminal_session import inhabitants
from parkingspots.dev import cluster, failure, lock, ports, processes, tether
from parkingspots.dev.failure import Failure
from parkingspots.dev.postgres import PostgresServer, erase, postgres
from parkingspots.dev.valkey import valkey

HOLD = "with {0}(Path({1!r})) as server: print(server.pid, flush=True); time.sleep(3600)"
IMPORTS = "import time; from pathlib import Path; from parkingspots.dev.{0} import {0}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgres")
    with postgres(folder, durable=False):
        return folder


@pytest.fixture
def server(home: Path) -> Iterator[PostgresServer]:
    with postgres(home, durable=False) as running:
        yield running


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_application_role_owns_its_database_and_nothing_more(server: PostgresServer) -> None:
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert await ask(server.url, rights) is False
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    assert await ask(server.url, owner) == "parkingspots"
    for extension in ("btree_gist", "cube", "pg_trgm", "unaccent"):
        await ask(server.url, f"CREATE EXTENSION IF NOT EXISTS {extension}")


async def test_greek_is_folded_by_the_built_in_locale(server: PostgresServer) -> None:
    assert await ask(server.url, "SELECT lower('ΝΑΥΠΛΙΟ')") == "ναυπλιο"
    assert await ask(server.url, "SELECT datlocprovider::text FROM pg_database LIMIT 1") == "b"


async def test_a_database_can_be_copied_from_another(server: PostgresServer) -> None:
    original = server.create_database("original")
    await ask(original, "CREATE TABLE spot AS SELECT 7 AS id")
    assert await ask(server.create_database("the-copy", template="original"), "SELECT id FROM spot") == 7
    server.drop_database("original")
    server.drop_database("the-copy")


def test_what_postgresql_refuses_is_told(server: PostgresServer) -> None:
    with pytest.raises(Failure, match=r'PostgreSQL refused: .*database "parkingspots" already exists'):
        server.create_database("parkingspots")


async def test_settings_reach_the_server(home: Path) -> None:
    with postgres(home, settings={"max_connections": "23"}) as server:
        assert await ask(server.url, "SHOW max_connections") == "23"
        assert await ask(server.url, "SHOW fsync") == "on"


async def test_data_outlives_a_killed_server(home: Path) -> None:
    with postgres(home) as server:
        await ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.process.kill()
        server.process.wait()
    with postgres(home) as again:
        assert await ask(again.url, "SELECT answer FROM kept") == 42


def test_a_server_that_outlived_its_parent_is_replaced(home: Path, tmp_path: Path) -> None:
    settings = ["-h", ports.HOST, "-p", str(ports.free_port()), "-k", ""]
    command = [*cluster.unprivileged(), cluster.binary("postgres"), "-D", str(home / "data"), *settings]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log, stdout=log) as orphan:
        assert processes.until(lambda: "ready" in read(home / "data/postmaster.pid"), 20)
        with postgres(home) as server:
            assert orphan.wait() == 0
            assert server.pid != orphan.pid


def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(home: Path) -> None:
    (home / "data/postmaster.pid").write_text(f"{os.getpid()}\n{home / 'data'}\n0\n5432\n\n127.0.0.1\n\nready\n")
    with postgres(home) as server:
        assert server.pid != os.getpid()


def test_a_folder_in_use_is_refused(home: Path, server: PostgresServer) -> None:
    with pytest.raises(Failure, match=f"Process {os.getpid()} uses the database"), postgres(home):
        pass
    with pytest.raises(Failure, match="stop it first"):
        erase(home)
    assert not processes.ended(server.process)


def test_half_a_data_folder_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new/base").mkdir(parents=True)
    (tmp_path / "data.new/PG_VERSION").write_text("18\n")
    with postgres(tmp_path, durable=False):
        assert not (tmp_path / "data.new").exists()
    erase(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("content", "told"),
    [("15\n", "was made by PostgreSQL 15, this is 18"), (None, "is no PostgreSQL data folder")],
)
def test_data_of_another_version_is_left_alone(tmp_path: Path, content: str | None, told: str) -> None:
    (tmp_path / "data").mkdir()
    if content:
        (tmp_path / "data/PG_VERSION").write_text(content)
    with pytest.raises(Failure, match=told), postgres(tmp_path):
        pass
    assert (tmp_path / "data").exists()


def test_lost_passwords_are_told(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("one\n")
    with pytest.raises(Failure, match="should hold two passwords"):
        cluster.passwords(tmp_path / "passwords")


def test_a_server_that_cannot_start_says_why_in_one_line(home: Path) -> None:
    with (
        pytest.raises(Failure, match=r"^PostgreSQL did not start: FATAL: .*max_connections") as refusal,
        postgres(home, settings={"max_connections": "many"}),
    ):
        pass
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path, name: str) -> None:
    script = IMPORTS.format(name) + HOLD.format(name, str(tmp_path))
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as output:
        assert int(output.readline()) in inhabitants(tmp_path)
        parent.kill()
        assert parent.wait() == -signal.SIGKILL
    assert processes.until(lambda: not inhabitants(tmp_path), 10)


def test_valkey_answers_to_its_password_alone(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        with (
            redis.Redis.from_url(re.sub(":[^:]*@", "", server.url)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        assert server.pid in inhabitants(tmp_path)
    assert not inhabitants(tmp_path)


def test_a_lock_tells_who_holds_it(tmp_path: Path) -> None:
    with (
        lock.held(tmp_path / "lock", "me"),
        pytest.raises(lock.Taken) as taken,
        lock.held(tmp_path / "lock", "you"),
    ):
        pass
    assert taken.value.note == "me"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full: free some space for here"),
        (
            PermissionError(errno.EACCES, "Permission denied", "there"),
            "there: Permission denied. Start as the owner",
        ),
        (OSError(errno.EIO, "Input/output error"), "here: Input/output error"),
    ],
)
def test_an_error_of_the_system_is_one_line(error: OSError, told: str) -> None:
    assert str(failure.of_os_error(error, "here")).startswith(told)


def test_a_full_disk_is_recognised_in_a_log() -> None:
    log = "LOG: starting\nPANIC: could not write to file: No space left on device\n"
    assert str(failure.of_log("PostgreSQL did not start", log, "here")).startswith("The disk is full")


def test_a_port_lost_to_another_program_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ports.HOST, 0)) as other:
        taken = other.getsockname()[1]
        offered = iter([taken, ports.free_port()])
        monkeypatch.setattr(ports, "free_port", lambda: next(offered))
        with valkey(tmp_path) as server:
            assert f":{taken}/" not in server.url


def test_a_machine_without_a_free_port_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ports.HOST, 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(ports, "free_port", lambda: taken)
        with pytest.raises(Failure, match=r"Valkey found no free port on 127\.0\.0\.1"), valkey(tmp_path):
            pass


def test_a_user_with_a_name_runs_postgresql_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    assert cluster.unprivileged() == ()


@pytest.mark.parametrize("user", [0, 54_321])
@pytest.mark.parametrize("unshare", [None, "/bin/false"])
def test_where_root_cannot_step_down_a_plain_user_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, user: int, unshare: str | None
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda _: unshare)
    with pytest.raises(Failure, match="run as a plain user"):
        cluster.unprivileged()


def test_a_missing_program_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tether.py", "0", str(os.getppid()), "/no/such/program"])
    with pytest.raises(SystemExit, match="/no/such/program: No such file or directory"):
        tether.main()


def test_a_program_whose_parent_died_first_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tether.py", "0", str(os.getpid()), "/bin/true"])
    with pytest.raises(SystemExit):
        tether.main()


def read(file: Path) -> str:
    return file.read_text() if file.exists() else ""
