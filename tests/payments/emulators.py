"""Two programs that answer in Stripe's place, each in a process of its own.

localstripe keeps state, so that one can pay there. It is under the GPL: it is run, and never imported. stripe-mock has
no state; it holds each request against Stripe's own description of its API.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from parkingspots.dev import processes
from parkingspots.dev.ports import HOST

CACHE = Path(__file__).parents[2] / ".cache"
LOCALSTRIPE = CACHE / "localstripe" / "bin" / "python"
STRIPE_MOCK = "github.com/stripe/stripe-mock@v0.203.0"
PATIENCE = 30.0  # seconds

STATE = "/tmp/localstripe.pickle"
FORGETFUL = f'[ -e {STATE} ] || : >{STATE}; mount --bind /dev/null {STATE}; exec "$@"'
"""It writes all that it knows there after each request, whoever else does, and reads it never."""


@contextmanager
def localstripe(folder: Path) -> Iterator[str]:
    """The base URL of one that knows nothing yet."""
    assert LOCALSTRIPE.exists(), (
        "localstripe is not installed: run `make test`, or `make .cache/localstripe/.installed`"
    )
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [str(LOCALSTRIPE), "-m", "localstripe", "--port", "0", "--from-scratch"]
    said = r"Running on http://\S+:(\d+)"
    with _running(folder / "localstripe.log", command, said, _where_it_may_write(), environment) as url:
        yield url


def _where_it_may_write() -> Sequence[str]:
    """What to put before its command, where the system can give it a view of its own on the file."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    wrapper = (unshare, "--map-root-user", "--mount", "sh", "-c", FORGETFUL, "sh")
    status, _ = processes.run([unshare, "--version"], wrapper=wrapper)
    return wrapper if status == 0 else ()


@contextmanager
def stripe_mock(folder: Path) -> Iterator[str]:
    """The base URL of one that insists on the version of the API that it was made of."""
    anywhere = f"{HOST}:"
    options = ["-http-addr", anywhere, "-https-addr", anywhere, "-strict-version-check"]
    with _running(
        folder / "stripe-mock.log", [_stripe_mock(), *options], r"Listening for HTTP at address: \S+:(\d+)"
    ) as url:
        yield url


def _stripe_mock() -> str:
    named, own = os.environ.get("STRIPE_MOCK"), CACHE / "bin" / "stripe-mock"
    shared = Path.home() / ".cache" / "ps-cluster" / "bin" / "stripe-mock"
    found = named or shutil.which("stripe-mock") or next((str(path) for path in (own, shared) if path.exists()), None)
    if found is not None:
        return found
    go = shutil.which("go")
    if go is None:
        _do_without("stripe-mock is not there, nor Go to build it: set STRIPE_MOCK to its path, or install Go.")
    building = [str(go), "install", "-trimpath", STRIPE_MOCK]
    environment = os.environ | {"GOBIN": str(own.parent), "CGO_ENABLED": "0"}
    built = subprocess.run(building, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        _do_without(f"stripe-mock could not be built: {built.stderr.strip().splitlines()[-1]}")
    return str(own)


def _do_without(why: str) -> None:
    """A developer may; nobody else."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def _running(
    log: Path,
    command: Sequence[str],
    said: str,
    wrapper: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[str]:
    """Its base URL, once it has said on which port of its own choice it listens."""

    def listening() -> re.Match[str] | None:
        return re.search(said, log.read_text(errors="replace"))

    with log.open("wb") as output:
        process = processes.start(command, output=output, environment=environment, wrapper=wrapper)
    try:
        assert processes.until(lambda: listening() is not None or processes.ended(process), PATIENCE), log.read_text()
        found = listening()
        assert found is not None, log.read_text()
        yield f"http://{HOST}:{found[1]}"
    finally:
        processes.stop(process, [(signal.SIGTERM, PATIENCE)])
