"""Whatever clients send, a line of the log is one line, and a terminal that shows it obeys nobody."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from parkingspots.kit import logs
from parkingspots.settings import Environment, Settings

HOSTILE = 'a\r\n{"level": "critical", "event": "forged"}\n\x1b[2J\x1b]0;owned\x07\x9b31m\x00\x7f b'
SERVICE = Path(logs.__file__).parents[1]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where logs go until the test is over."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield io.StringIO()
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def written(stream: io.StringIO, environment: Environment) -> str:
    """What stands in the log of a process that was told something hostile, by itself and by a library."""
    logs.configure(Settings(_env_file=None, environment=environment, secret_key="x" * 40), stream)
    structlog.get_logger("parkingspots.test").warning("refused", path=HOSTILE)
    structlog.get_logger("parkingspots.test").warning(HOSTILE)
    logging.getLogger("uvicorn.error").warning("said %s", HOSTILE)
    return stream.getvalue()


def test_a_line_of_json_is_one_line_and_what_was_sent_is_a_value_in_it(stream: io.StringIO) -> None:
    lines = written(stream, Environment.EVALUATION).splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["refused", HOSTILE, f"said {HOSTILE}"]
    assert {json.loads(line)["level"] for line in lines} == {"warning"}
    assert json.loads(lines[0])["path"] == HOSTILE
    assert not [letter for letter in "".join(lines) if not letter.isprintable()]


def test_a_developers_terminal_obeys_nothing_that_was_sent(stream: io.StringIO) -> None:
    shown = written(stream, Environment.DEVELOPMENT)
    assert {letter for letter in shown if not letter.isprintable()} <= {"\n"}
    assert "\\x1b[2J" in shown


def test_nothing_is_given_out_as_a_table_that_a_spreadsheet_would_reckon_with() -> None:
    """The export of one's own data is JSON; a table would have to escape what begins with = + - or @."""
    sources = {file: file.read_text() for file in SERVICE.rglob("*.py")}
    assert not [file.name for file, source in sources.items() if "import csv" in source or "text/csv" in source]
