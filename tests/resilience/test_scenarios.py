"""Each scenario in its short form; `make reliability` goes through the long ones."""

import os
from pathlib import Path

import pytest

from resilience.all_of_them import SCENARIOS
from resilience.scenario import Length, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_product_keeps_its_promise(tmp_path: Path, scenario: Scenario) -> None:
    if scenario.lacks and os.environ.get("CI") and os.geteuid() == 0:  # who could have had all of it
        pytest.fail(f"This needs {scenario.lacks}.")
    if scenario.lacks:
        pytest.skip(f"This needs {scenario.lacks}.")
    outcome = await scenario.run(tmp_path, Length.SHORT)
    assert outcome.flaws == [], outcome.measured
