"""Commands can be pasted as they are: a shell and psql read what was meant, whatever somebody has called a table."""

import subprocess
from dataclasses import replace

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from parkingspots.doctor import connections, database, mending, schema, sessions
from parkingspots.doctor.connections import Limits
from parkingspots.doctor.database import Extension, Rights
from parkingspots.doctor.finding import Finding

STRANGE = """x"; DROP TABLE users; -- '$(id)`id`\\!"""
WRITTEN = '''"x""; DROP TABLE users; -- '$(id)`id`\\!"'''
HERE = URL.create("postgresql", "app", None, "db.example.com", 5433, "spots")
OF_STRANGERS = HERE.set(username=STRANGE, database=STRANGE)
RIGHTS = Rights(lacking=(), foreign=(STRANGE,), may_create=True)
MISSING = [Extension("cube", is_installed=False, is_available=True)]


def refused(code: str) -> DBAPIError:
    error = OSError("refused")
    vars(error)["sqlstate"] = code
    return DBAPIError(None, None, error)


@pytest.mark.parametrize(
    ("finding", "names"),
    [
        (database.of_reach(OF_STRANGERS, 0.0, refused(database.WRONG_PASSWORD)), 1),
        (database.of_reach(OF_STRANGERS, 0.0, refused(database.NO_SUCH_DATABASE)), 2),
        (database.of_role(OF_STRANGERS, is_superuser=True, is_production=True), 1),
        (database.of_rights(OF_STRANGERS, RIGHTS), 2),
        (database.of_rights(OF_STRANGERS, replace(RIGHTS, may_create=False)), 1),
        (database.of_rights(OF_STRANGERS, replace(RIGHTS, lacking=("users",))), 1),
        (database.of_extensions(OF_STRANGERS, MISSING, may_create=False, is_empty=False), 2),
        (database.of_encoding(OF_STRANGERS, "LATIN1"), 2),
        (schema.of_indexes(HERE, [STRANGE]), 1),
        (schema.of_constraints(HERE, [(STRANGE, STRANGE)]), 2),
        (schema.of_triggers(HERE, [(STRANGE, STRANGE)]), 2),
        (connections.of_limits(OF_STRANGERS, Limits(100, 5, -1), 22, 1), 1),
        (connections.of_limits(OF_STRANGERS, Limits(100, -1, 5), 22, 1), 1),
        (sessions.of_session(OF_STRANGERS, {"jit": "off"}, {}), 1),
    ],
)
def test_a_name_that_anybody_may_have_chosen_stays_a_name(finding: Finding, names: int) -> None:
    assert finding.mend is not None
    statement = _read_by_a_shell(finding.mend)[-1]
    assert statement.count(WRITTEN) == names
    assert "DROP" not in statement.replace(WRITTEN, "")


def _read_by_a_shell(command: str) -> list[str]:
    program = f'psql() {{ printf "%s\\0" "$@"; }}; {command}'
    read = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True)
    return read.stdout.removesuffix("\0").split("\0")


def test_a_value_stays_a_value() -> None:
    mend = sessions.of_session(HERE, {"TimeZone": "'; DROP TABLE users; --"}, {}).mend
    assert mend is not None
    assert _read_by_a_shell(mend)[-1] == """ALTER ROLE "app" SET TimeZone = '''; DROP TABLE users; --'"""


@pytest.mark.parametrize("text", ["plain", "two words", "it's", "both ' and \"", "'$HOME `id` \\'", "it's !!"])
def test_a_shell_reads_a_quoted_text_as_it_was(text: str) -> None:
    assert _read_by_a_shell(f"psql {mending.quoted(text)}") == [text]


def test_a_terminal_takes_no_exclamation_mark_for_a_command_of_before() -> None:
    text = "it's !!"
    entered = f"echo before\nprintf '<%s>' {mending.quoted(text)}\n"
    terminal = ["bash", "--norc", "--noprofile", "-i"]
    shown = subprocess.run(terminal, input=entered, capture_output=True, text=True, check=True)
    assert f"<{text}>" in shown.stdout
