"""The scenarios on one machine, in the order in which they are gone through."""

from collections.abc import Sequence

from resilience import clocks, disk, killed, killed_beside, names, overload, shortages, soak, wires
from resilience.scenario import Scenario

SCENARIOS: Sequence[Scenario] = (
    *killed.SCENARIOS,
    *killed_beside.SCENARIOS,
    *wires.SCENARIOS,
    *shortages.SCENARIOS,
    *names.SCENARIOS,
    *clocks.SCENARIOS,
    *disk.SCENARIOS,
    *overload.SCENARIOS,
    *soak.SCENARIOS,
)
