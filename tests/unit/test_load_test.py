"""`make load-test` says what is wrong with its URL before it sends anybody there."""

import pytest
from typer import Typer
from typer.testing import CliRunner

from load import users
from parkingspots.dev.ports import HOST, free_port

app = Typer()
app.command()(users.main)
WELL = {"--url": f"http://{HOST}:{free_port()}", "--users": "2", "--minutes": "1", "--locust": "nowhere"}


def said(**wrong: str) -> str:
    asked = WELL | {f"--{name}": value for name, value in wrong.items()}
    ended = CliRunner().invoke(app, [word for pair in asked.items() for word in pair])
    assert ended.exit_code != 0
    assert "Traceback" not in ended.output
    return str(ended.exception) + ended.output


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://example.com", "/api/v1", "http://"])
def test_a_url_without_its_scheme_is_none(url: str) -> None:
    assert "with its scheme" in said(url=url)


@pytest.mark.parametrize("url", [WELL["--url"], f"{WELL['--url']}/", "http://[::1", "http://%"], ids=range(4))
def test_where_nobody_answers_nobody_is_sent(url: str) -> None:
    assert "nobody answers" in said(url=url)


@pytest.mark.parametrize("wrong", [{"users": "0"}, {"users": "many"}, {"minutes": "0"}, {"minutes": "-1"}])
def test_no_users_and_no_time_are_refused(wrong: dict[str, str]) -> None:
    assert "Invalid value" in said(**wrong)
