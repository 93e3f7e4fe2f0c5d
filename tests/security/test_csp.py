"""The pages of the documentation run in a browser under their own policy, and do nothing that it forbids."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from e2e.test_journey import served
from parkingspots.kit.hardening import PROTECTION
from parkingspots.settings import Settings
from security.chromium import shown

HOSTILE = b"""<!DOCTYPE html><title>as it came</title><script>document.title = "it ran"</script>
<img src=x onerror="document.title = 'it ran'"><iframe src="/framed"></iframe>"""


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(settings, tmp_path_factory.mktemp("server") / "log") as (url, _):
        yield url


@pytest.mark.parametrize(
    ("page", "of_an_operation"),
    [("/docs", 'data-path="/api/v1/users/me/sessions"'), ("/redoc", "/api/v1/users/me/sessions")],
)
def test_a_page_shows_every_operation_and_the_browser_has_nothing_to_say(
    server: str, tmp_path: Path, page: str, of_an_operation: str
) -> None:
    found = shown(f"{server}{page}", tmp_path)
    assert of_an_operation in found.dom
    assert found.said == []


class Hostile(BaseHTTPRequestHandler):
    """What a browser might be shown as a page, had somebody got it into an answer."""

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in PROTECTION:
            self.send_header(name.decode(), value.decode())
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_nothing_runs_in_an_answer_of_the_api_even_if_a_browser_takes_it_for_a_page(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            found = shown(f"http://127.0.0.1:{server.server_port}/", tmp_path)
        finally:
            server.shutdown()
            thread.join()
    assert "<title>as it came</title>" in found.dom
    assert len([line for line in found.said if "Content Security Policy" in line]) >= 3
