"""What is kept of scenarios, and the page that shows it."""

from pathlib import Path

import pytest

from resilience import results
from resilience.page import COLUMNS
from resilience.scenario import Group


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    results.keep(Group.LONG, "soak", "nothing grows", "1.00 times", held=True, command="make soak", docs=tmp_path)
    results.keep(Group.KILLED, "worker", "no other is cut", "3 cut | 0", held=False, command="again", docs=tmp_path)
    return tmp_path


def rows(docs: Path) -> list[list[str]]:
    lines = (docs / "reliability.md").read_text().replace("\\|", "¦").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [each for each in cells if tuple(each) != COLUMNS]


def test_a_row_says_what_was_promised_what_was_measured_whether_it_held_and_how_to_repeat_it(docs: Path) -> None:
    ((worker, *promise, day, again), (soak, *_)) = rows(docs)
    assert (worker, promise, again) == ("worker", ["no other is cut", "3 cut ¦ 0", "**no**"], "`again`")
    assert day.startswith("20")
    assert soak == "soak"


def test_what_is_measured_again_takes_the_place_of_what_was_and_leaves_the_others(docs: Path) -> None:
    results.keep(Group.KILLED, "worker", "no other is cut", "0 cut", held=True, command="again", docs=docs)
    assert [row[:4] for row in rows(docs)] == [
        ["worker", "no other is cut", "0 cut", "yes"],
        ["soak", "nothing grows", "1.00 times", "yes"],
    ]


@pytest.mark.parametrize("is_wanted", [False, True])
def test_tests_on_a_cluster_write_only_when_they_are_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_wanted: bool
) -> None:
    monkeypatch.setattr(results, "DOCS", tmp_path)
    monkeypatch.setenv(results.IS_WANTED, "1" if is_wanted else "")
    results.kept(Group.UPGRADES, "rollback", "none fails", "none", held=True, command="make e2e")
    assert (tmp_path / "reliability.md").exists() == is_wanted
