"""The rules of the chart's files, and Prometheus' own tool, which judges them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, ROOT

FILES = sorted((CHART / "files").glob("*/*.yaml"))
TESTS = sorted((ROOT / "tests" / "monitoring" / "rules").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
NO_PROMTOOL = "promtool is not there: it comes with the package prometheus"

Rule = Mapping[str, Any]


def rules_of(groups: list[Mapping[str, Any]]) -> list[Rule]:
    return [rule for group in groups for rule in group["rules"]]


@cache
def rules() -> list[Rule]:
    """All that the files hold."""
    return [rule for file in FILES for rule in rules_of(yaml.safe_load(file.read_text())["groups"])]


@cache
def alerts() -> Mapping[str, list[Rule]]:
    """The rules of each alert, of which one may have several, by its name."""
    found: dict[str, list[Rule]] = {}
    for rule in rules():
        if "alert" in rule:
            found.setdefault(rule["alert"], []).append(rule)
    return found


def promtool(*arguments: str | Path) -> None:
    """Have Prometheus' tool judge; what it says where it is not content fails the test."""
    program = shutil.which("promtool")
    if program is None and os.environ.get("CI"):
        pytest.fail(NO_PROMTOOL)
    if program is None:
        pytest.skip(NO_PROMTOOL)
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
