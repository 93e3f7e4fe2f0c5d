"""Three of the drills that `make drills` goes through, in a product that really runs."""

from collections.abc import AsyncIterator

import pytest

from drills.__main__ import DRILLS
from drills.drill import Drill
from drills.hurried import Hurry
from drills.stage import Stage, staged
from drills.watch import run
from monitoring.prometheus import program

SHORT = {"database", "valkey", "lock"}
OF_A_BUSY_MACHINE = {
    *("ParkingSpotsBookingLatencyBurns", "ParkingSpotsSearchLatencyBurns"),
    *("ParkingSpotsEventLoopLags", "ParkingSpotsCpuIsUsedUp"),
}
"""Alerts that other tests beside these may bring about."""
LATE = 4
"""By which factor a busy machine may be late."""


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    program()
    async with staged(tmp_path_factory.mktemp("drills"), Hurry(30)) as stage:
        yield stage


@pytest.mark.parametrize("drill", [drill for drill in DRILLS if drill.name in SHORT], ids=lambda drill: drill.name)
async def test_a_fault_is_told_of_in_time_seen_on_a_panel_and_named_by_the_runbook(stage: Stage, drill: Drill) -> None:
    outcome = await run(drill, stage)
    assert outcome.flaws == []
    assert outcome.strange <= OF_A_BUSY_MACHINE
    assert outcome.fired_after is not None
    assert outcome.fired_after < LATE * outcome.allowed
