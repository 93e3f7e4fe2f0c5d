"""`parkingspots monitor` from the command line, at a product that is really served."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from commands import Command, complaint, run_in_this_process
from e2e.test_journey import served
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.processes import ended, until
from parkingspots.monitor import home
from parkingspots.settings import Settings

PATIENCE = 60.0  # seconds until something that should happen counts as never
PROGRAM = (sys.executable, "-m", "parkingspots", "monitor")
SEARCH = "/api/v1/parking-spots/search?latitude=37.97&longitude=23.73"

run = pytest.fixture(run_in_this_process)


@pytest.fixture(scope="module")
def url(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the product."""
    with served(settings, tmp_path_factory.mktemp("monitored") / "server.log") as (url, _):
        yield url


def look_once_under_traffic(url: str, *targets: str) -> Any:
    """What --once --json writes while somebody searches."""
    command = [*PROGRAM, *targets, "--once", "--json", "--interval", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process, httpx.Client(base_url=url) as client:
        while not ended(process):
            client.get(SEARCH).raise_for_status()
        assert process.stdout is not None
        return json.loads(process.stdout.read())


def test_a_script_reads_how_a_product_does_under_traffic(url: str) -> None:
    away = f"http://{HOST}:{free_port()}/metrics"
    document = look_once_under_traffic(url, url, away)
    here, there = document["pods"]
    assert document["interval_seconds"] == 1.0
    assert (here["url"], here["trouble"], there["trouble"]) == (f"{url}/metrics", None, "nobody listens")
    total = document["total"]
    assert total["requests_per_second"] > 0
    assert 0 < total["latency_p50_seconds"] <= total["latency_p95_seconds"] <= total["latency_p99_seconds"]
    assert total["error_share"] == 0.0
    assert total["memory_bytes"] > 10e6
    assert total["pool_size"] > 0
    assert total["event_loop_lag_p99_seconds"] is not None
    assert total["bookings_per_minute"] == 0.0
    assert total["version"] == here["version"] is not None
    assert (total["database_up"], total["cache_up"]) == (True, True)
    assert total["routes"][0]["route"] == "/api/v1/parking-spots/search"
    assert {there[key] for key in total if key != "routes"} == {None}


def test_the_page_names_every_key(url: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitor.md").read_text()
    document = look_once_under_traffic(url, url)
    keys = [*document, *document["pods"][0], *document["total"], *document["total"]["routes"][0]]
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_a_person_reads_a_table(run: Command, url: str) -> None:
    ran = run("monitor", "--once", "--interval", "0.5", url)
    assert ran.code == 0
    assert "req/s" in ran.output
    assert url.removeprefix("http://") in ran.output


def test_where_nothing_answers_one_line_says_so(run: Command) -> None:
    place = f"{HOST}:{free_port()}"
    ran = run("monitor", "--once", "--json", "--interval", "0.5", place)
    assert complaint(ran) == f"Nothing answers: {place}: nobody listens."
    assert not ran.output


def test_what_make_dev_serves_is_found_as_long_as_it_runs(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home.url() == home.USUAL
    place = f"{HOST}:{free_port()}"
    home.LOCK.parent.mkdir()
    home.LOCK.write_text(f"http://{place} (process {os.getpid()})")
    assert place in complaint(run("monitor", "--once", "--interval", "0.5"))
    over = subprocess.Popen(["true"])
    over.wait()
    home.LOCK.write_text(f"http://{place} (process {over.pid})")
    assert home.url() == home.USUAL


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--json"], "--json goes with --once."),
        (["--context", "kind"], "--context goes with --namespace."),
        (["--namespace", "shop", "127.0.0.1"], "Give URLs or --namespace, not both."),
        (["ftp://127.0.0.1", "--once"], "ftp://127.0.0.1 is no URL of http or https."),
        (["127.0.0.1"], "The screen needs a terminal. For scripts there is --once --json."),
    ],
)
def test_what_cannot_be_is_refused(run: Command, arguments: Sequence[str], sentence: str) -> None:
    assert complaint(run("monitor", *arguments)) == sentence


def test_without_textual_a_sentence_says_how_to_get_it(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("textual", "parkingspots.monitor.screen"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    assert "pip install 'parkingspots[monitor]'" in complaint(run("monitor"))


def test_the_images_do_without_textual() -> None:
    assert "\ntextual==" not in (Path(__file__).parents[2] / "requirements" / "runtime.txt").read_text()


def test_help_tells_of_what_it_shows(run: Command) -> None:
    ran = run("monitor", "--help", COLUMNS="200")
    assert ran.code == 0
    for words in ("--namespace", "--interval", "--once", "--json", "live"):
        assert words in ran.output


class Terminal:
    """The monitor in a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process, self._end, self._seen = process, end, b""

    def sees(self, text: bytes) -> bool:
        """Read until the screen has shown `text`; whether it has."""
        try:
            while text not in self._seen:
                self._seen += os.read(self._end, 65_536)
        except OSError:  # a terminal ends with an error when nobody is left in it
            return False
        return True

    def press(self, key: bytes) -> None:
        os.write(self._end, key)

    def ends(self) -> bool:
        """Whether it ends; what it still writes is read."""
        return not self.sees(b"never shown") and until(lambda: ended(self.process), PATIENCE)


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    end, inside = os.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "150", "LINES": "40"},
        start_new_session=True,
    )
    os.close(inside)
    try:
        yield Terminal(process, end)
    finally:
        process.kill()
        process.wait()
        os.close(end)


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_it_runs_in_a_terminal_until_a_key_ends_it(url: str, key: bytes) -> None:
    with terminal(url) as shown:
        assert shown.sees(b"1 of 1 pod answers")
        shown.press(key)
        assert shown.ends()
        assert shown.process.returncode == 0


def test_a_signal_ends_it(url: str) -> None:
    with terminal(url) as shown:
        assert shown.sees(b"1 of 1 pod answers")
        shown.process.send_signal(signal.SIGTERM)
        assert shown.ends()
        assert shown.process.returncode == 0
