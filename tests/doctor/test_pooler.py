"""A real PgBouncer in transaction mode, where one is installed: older than 1.21, or told so, it forgets statements."""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import asyncpg
import pytest

from doctor.conftest import with_database
from doctor.examined import examined, says
from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port
from parkingspots.doctor.database import DROPPED_BY_POOLER
from parkingspots.doctor.finding import State
from parkingspots.settings import Settings
from product import until

Pooled = Callable[..., AbstractAsyncContextManager[Settings]]
INI = """[databases]
{name} = host={host} port={server} dbname={name}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
unix_socket_dir =
{more}
"""


NO_PGBOUNCER = "PgBouncer is not there to stand between: apt-get install pgbouncer"


@pytest.fixture
def pooled(settings: Settings) -> Pooled:
    """Settings that lead through a PgBouncer to the tests' database, given further lines of its configuration."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None and os.environ.get("CI"):
        pytest.fail(NO_PGBOUNCER)
    if program is None:
        pytest.skip(NO_PGBOUNCER)
    url, port = urlsplit(settings.database_url.get_secret_value()), free_port()
    through = settings.database_url.get_secret_value().replace(f":{url.port}/", f":{port}/")

    async def takes_connections() -> bool:
        try:
            await (await asyncpg.connect(through)).close()
        except OSError:
            return False
        return True

    @asynccontextmanager
    async def running(*more: str) -> AsyncIterator[Settings]:
        with TemporaryDirectory() as name:
            folder = Path(name)
            values = {"name": url.path[1:], "host": HOST, "server": url.port, "port": port, "folder": folder}
            _write(
                folder,
                f'"{url.username}" "{url.password}"',
                INI.format(more="\n".join([*more, *_forgetting(program)]), **values),
            )
            user = ["-u", "nobody"] if os.geteuid() == 0 else []
            with (folder / "log").open("wb") as log:
                process = processes.start([program, *user, str(folder / "ini")], output=log)
            try:
                await until(takes_connections)
                yield with_database(settings, through)
            finally:
                processes.stop(process, [(signal.SIGTERM, 5.0)])

    return running


def _forgetting(program: str) -> list[str]:
    """What keeps it from keeping prepared statements, which versions before 1.21 cannot, and have no word for."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.split()[1].split(".")[:2])
    return ["max_prepared_statements = 0"] if version >= (1, 21) else []


def _write(folder: Path, users: str, ini: str) -> None:
    folder.chmod(0o755)  # it refuses to run as root, and becomes nobody
    (folder / "users.txt").write_text(f"{users}\n")
    (folder / "ini").write_text(ini)


async def test_a_pooler_that_takes_no_parameters_is_told_what_to_ignore(pooled: Pooled) -> None:
    async with pooled() as through:
        found = await examined(through, "database")
    assert says(found["database", "reach"], State.FAIL, "unsupported startup parameter", mend=DROPPED_BY_POOLER)


async def test_a_pooler_is_seen_and_what_it_dropped_is_given_to_the_role(pooled: Pooled) -> None:
    async with pooled(DROPPED_BY_POOLER.partition("    #")[0]) as through:
        found = await examined(through, "sessions")
        assert says(found["sessions", "session"], State.WARN, "statement_timeout (0)", mend="SET statement_timeout")
        found = await examined(through, "connections", pods=100)
        assert found["connections", "enough"].state is State.SKIPPED


async def test_a_pooler_that_forgets_statements_fails(pooled: Pooled) -> None:
    async with pooled(DROPPED_BY_POOLER.partition("    #")[0]) as through:
        found = await examined(through, "sessions")
    assert says(found["sessions", "pooler"], State.FAIL, "forgets prepared statements", mend="max_prepared_statements")
