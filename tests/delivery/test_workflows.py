"""What runs at GitHub is what a developer can run."""

import re
from pathlib import Path

import pytest
import yaml

from delivery.stand_ins import ROOT
from delivery.test_make import targets

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STEPS = [
    step
    for workflow in WORKFLOWS
    for job in yaml.safe_load(workflow.read_text())["jobs"].values()
    for step in job["steps"]
]


@pytest.mark.parametrize("command", [step["run"] for step in STEPS if "run" in step])
def test_a_step_is_a_target_of_make(command: str) -> None:
    program, *named = command.split()
    assert program in {"make", ".ci/run"}
    assert set(named) <= targets()


@pytest.mark.parametrize("action", [step["uses"] for step in STEPS if "uses" in step])
def test_an_action_is_pinned_by_its_commit(action: str) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_what_it_may_do_and_for_how_long(workflow: Path) -> None:
    described = yaml.safe_load(workflow.read_text())
    assert described["permissions"]
    assert all(job["timeout-minutes"] <= 60 for job in described["jobs"].values())
