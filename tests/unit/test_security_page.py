"""docs/security.md: each threat has a control, and what is said to show it is there."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
STRIDE = "STRIDE"
STANDS = ("**Accepted**", "**Open**")
CELLS = 4
TEST_ID = re.compile(r"`([a-z0-9_/]+/test_\w+\.py(?:::\w+)?)`")
NAMED = sorted(set(TEST_ID.findall(PAGE)))


@dataclass(frozen=True)
class Threat:
    letter: str
    what: str
    control: str
    shown_by: str


def boundaries() -> dict[str, list[Threat]]:
    """The tables by the titles above them."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        rows = [line.split(" | ") for line in section.splitlines() if re.match(r"\| [A-Z] \| ", line)]
        assert all(len(row) == CELLS for row in rows), section.partition("\n")[0]
        threats = [Threat(*(cell.strip("| ") for cell in row)) for row in rows]
        if threats:
            found[section.partition("\n")[0]] = threats
    return found


BOUNDARIES = boundaries()


@cache
def collected_from(file: Path) -> set[str]:
    """The tests that pytest finds in it."""
    functions = (ast.AsyncFunctionDef, ast.FunctionDef)
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, functions)}


def test_the_page_has_every_boundary() -> None:
    assert len(BOUNDARIES) == 9


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_boundary_is_looked_at_by_every_letter_in_their_order(boundary: str) -> None:
    letters = [threat.letter for threat in BOUNDARIES[boundary]]
    assert set(letters) == set(STRIDE)
    assert letters == sorted(letters, key=STRIDE.index)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_threat_has_a_control_that_a_test_shows_or_is_said_to_stand(boundary: str) -> None:
    for threat in BOUNDARIES[boundary]:
        assert threat.control, threat.what
        assert TEST_ID.search(threat.shown_by) or any(word in threat.control for word in STANDS), threat.what


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_whatever_stands_in_the_last_cell_is_a_test(boundary: str) -> None:
    for threat in BOUNDARIES[boundary]:
        named = threat.shown_by.split(", ") if threat.shown_by else []
        assert all(TEST_ID.fullmatch(each) for each in named), threat.what


def test_what_is_open_stands_at_the_top() -> None:
    top = PAGE.partition("\n## ")[0]
    threats = [threat for boundary in BOUNDARIES.values() for threat in boundary]
    assert top.count("\n- ") == sum("**Open**" in threat.control for threat in threats)


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    file = ROOT / "tests" / path
    assert file.is_file()
    assert not function or function in collected_from(file)


def test_a_test_that_is_named_is_run() -> None:
    run = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    folders = {Path(path).name for path in run} | {"cluster"}
    assert {name.partition("/")[0] for name in NAMED} <= folders


def test_every_file_of_security_tests_is_named() -> None:
    files = {f"security/{file.name}" for file in (ROOT / "tests" / "security").glob("test_*.py")}
    assert files <= {name.partition("::")[0] for name in NAMED}


def test_rules_that_are_named_are_on() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint["ignore"] if rule.startswith("S")]
