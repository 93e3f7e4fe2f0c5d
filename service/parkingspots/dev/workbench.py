"""`parkingspots dev`: the whole product from one command, under `.run/` of the current folder."""

import os
import shutil
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep

from parkingspots.dev import failure, lock, ports
from parkingspots.dev.failure import Failure
from parkingspots.dev.interrupts import Interrupts, Stopped, interrupts
from parkingspots.dev.postgres import erase, postgres
from parkingspots.dev.programs import Program, complete, last_words, running
from parkingspots.dev.terminal import Terminal
from parkingspots.dev.valkey import valkey

READY_WITHIN = 60.0  # seconds until the API answers
API_GRACE, LIFECYCLE_GRACE = 1.2, 0.6  # seconds; with the servers' own, the end takes less than five
WATCH_EVERY = 0.1  # seconds
LAST_PORT = 65535
PREPARED = "prepared"  # lies beside the data that it speaks of


@dataclass(frozen=True)
class Bench:
    """One run: its folder, its port, its terminal and the signals that end it."""

    home: Path
    port: int
    terminal: Terminal
    interrupts: Interrupts

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://{ports.HOST}:{self.port}"


def run(port: int, reset: bool) -> int:  # noqa: FBT001 - the command line's flag
    """Run everything until Ctrl-C, on empty data where `reset`; the exit code: 0 ended, 1 could not go on."""
    terminal, home = Terminal(), Path.cwd() / ".run"
    try:
        with interrupts() as ending:
            _run_alone(Bench(home, port, terminal, ending), reset=reset)
    except Stopped:
        terminal.say("Stopped. The data is kept in .run/; make dev continues with it.")
        return 0
    except Failure as stop:
        terminal.fail(str(stop))
    except OSError as error:
        terminal.fail(str(failure.of_os_error(error, home)))
    except Exception as error:  # noqa: BLE001 - a line for the user, never a traceback unasked
        terminal.fail(f"Unexpected: {error!r}. PARKINGSPOTS_DEBUG=1 shows where.")
        if os.environ.get("PARKINGSPOTS_DEBUG") == "1":
            terminal.traceback()
    return 1


def _run_alone(bench: Bench, *, reset: bool) -> None:
    if not 0 < bench.port <= LAST_PORT:
        raise Failure(f"{bench.port} is no port: choose one from 1 to {LAST_PORT}, as in PORT=8001 make dev")
    bench.home.mkdir(exist_ok=True)
    try:
        with lock.held(bench.home / "lock", f"{bench.url} (process {os.getpid()})"):
            if not ports.is_free(bench.port):
                other = bench.port + 1 if bench.port < LAST_PORT else bench.port - 1
                raise Failure(
                    f"Port {bench.port} is taken. Stop what uses it, or choose another: PORT={other} make dev"
                )
            if reset:
                _reset(bench)
            _serve(bench)
    except lock.Taken as taken:
        raise Failure(f"ParkingSpots already runs here: {taken.note}. Stop it first, or use it.") from None


def _reset(bench: Bench) -> None:
    (bench.home / "postgres" / PREPARED).unlink(missing_ok=True)
    erase(bench.home / "postgres")
    for name in ("valkey", "logs", "mail"):
        shutil.rmtree(bench.home / name, ignore_errors=True)


def _serve(bench: Bench) -> None:
    """Start in the order of need, stop in the opposite one: lifecycle, API, PostgreSQL, Valkey."""
    with ExitStack() as stack:
        try:
            programs = _start(bench, stack)
            _show(bench)
            while True:
                sleep(WATCH_EVERY)
                for program in programs:
                    program.require_alive()
        finally:
            bench.interrupts.disarm()
            bench.terminal.say("Stopping …")


def _start(bench: Bench, stack: ExitStack) -> list[Program]:
    show, home = bench.terminal.step, bench.home
    with show("Starting Valkey", "Valkey"):
        cache = stack.enter_context(valkey(home / "valkey"))
    with show("Starting PostgreSQL", "PostgreSQL"):
        database = stack.enter_context(postgres(home / "postgres"))
    environment = _environment(database.url, cache.url)
    _write_hint(home / "environment", database.url, cache.url)
    # The API starts while the schema is brought up to date: it is not ready before that is done.
    api = stack.enter_context(_program(bench, "API", _serve_command(bench.port), environment, API_GRACE))
    _prepare(bench, environment)
    with show("Starting the API", "API"):
        _await_ready(api, bench.port)
    lifecycle = stack.enter_context(
        _program(bench, "lifecycle", ["parkingspots_lifecycle", "loop"], environment, LIFECYCLE_GRACE)
    )
    servers = [
        Program("PostgreSQL", database.process, database.log),
        Program("Valkey", cache.process, cache.log),
    ]
    return [api, lifecycle, *servers]


def _serve_command(port: int) -> list[str]:
    """As `serving` has it, but uvicorn itself: what watches the code starts faster where it imports none of it."""
    address = ["--host", ports.HOST, "--port", str(port)]
    watch = ["--reload", "--reload-dir", str(Path(__file__).parents[1])]
    quiet = ["--no-server-header", "--no-access-log"]
    strict = ["--no-proxy-headers", "--ws", "none", "--http", "parkingspots.kit.patience:PatientConnection"]
    return ["uvicorn", "parkingspots.asgi:application", "--factory", *quiet, *strict, *address, *watch]


def _prepare(bench: Bench, environment: dict[str, str]) -> None:
    """The schema of this checkout and demo data, unless the data were prepared for the same migrations before."""
    show, note = bench.terminal.step, bench.home / "postgres" / PREPARED
    migrations = _fingerprint()
    if note.exists() and note.read_text() == migrations:
        return
    with show("Bringing the schema up to date", "Schema"):
        complete("The migration", ["parkingspots", "migrate", "upgrade"], environment)
    with show("Filling in demo data", "Demo data"):
        complete("Filling in demo data", ["parkingspots", "seed"], environment)
    note.write_text(migrations)


def _fingerprint() -> str:
    """What the database is prepared for: the migrations of this checkout."""
    scripts = Path(__file__).parents[2] / "migrations" / "versions"
    return sha256(b"".join(script.read_bytes() for script in sorted(scripts.glob("*.py")))).hexdigest()


def _program(
    bench: Bench, name: str, module: list[str], environment: dict[str, str], seconds: float
) -> AbstractContextManager[Program]:
    log = bench.home / "logs" / f"{name.lower()}.log"
    ending = bench.interrupts
    return running(name, module, log, environment, bench.terminal, seconds=seconds, hurried=lambda: ending.hurried)


def _environment(database: str, cache: str) -> dict[str, str]:
    """The developer's own environment, pointed at the embedded servers."""
    own = {"ENVIRONMENT": "development", "DATABASE_URL": database, "REDIS_URL": cache}
    return {**os.environ, **own, "PYTHONUNBUFFERED": "1"}


def _write_hint(file: Path, database: str, cache: str) -> None:
    """Leave the servers' addresses where a shell can read them; only the owner may."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(f"export DATABASE_URL='{database}'\nexport REDIS_URL='{cache}'\n")


def _await_ready(api: Program, port: int) -> None:
    deadline = monotonic() + READY_WITHIN
    while not _answers(port):
        api.require_alive()
        if monotonic() > deadline:
            what = f"The API is not ready after {READY_WITHIN:.0f} s"
            raise failure.of_log(what, last_words(api.log), api.log)
        sleep(WATCH_EVERY)


def _answers(port: int) -> bool:
    connection = HTTPConnection(ports.HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _show(bench: Bench) -> None:
    rows = {
        "API": bench.url,
        "Docs": f"{bench.url}/docs   {bench.url}/redoc",
        "Owner": "owner@demo.parkingspots.dev    password: parkingspots",
        "Renter": "renter@demo.parkingspots.dev   password: parkingspots",
        "Database": '. .run/environment && psql "$DATABASE_URL"',
        "Logs": ".run/logs  .run/postgres  .run/valkey",
        "Mails": ".run/mail",
        "Stop": "Ctrl-C (the data is kept)",
        "Afresh": "make dev RESET=1",
    }
    bench.terminal.panel("ParkingSpots is ready", rows)
