"""What the doctor finds, in the words of tests."""

from contextlib import aclosing
from typing import Any

from parkingspots.doctor import examining
from parkingspots.doctor.examining import Line
from parkingspots.doctor.finding import Finding, State
from parkingspots.doctor.hiding import hiding
from parkingspots.doctor.readings import Reading
from parkingspots.doctor.registry import GROUPS
from parkingspots.doctor.world import Options, World
from parkingspots.kit.clock import TimeSource
from parkingspots.settings import Settings

Found = dict[tuple[str, str], Finding]


def by_name(lines: list[Line]) -> Found:
    return {(line.group, line.check): line.finding for line in lines}


async def examined(settings: Settings, *groups: str, clock: TimeSource | None = None, **options: Any) -> Found:
    """What the groups find with these settings."""
    async with aclosing(World(Options(**options), Reading(settings), clock)) as world:
        wanted = [group for group in GROUPS if group.name in groups]
        return by_name(await examining.examine(wanted, world, hiding(settings)))


def states(found: Found, state: State) -> set[tuple[str, str]]:
    return {name for name, finding in found.items() if finding.state is state}


def says(finding: Finding, state: State, *words: str, mend: str = "") -> bool:
    """Whether it is so bad, says those words, and offers a command with `mend` in it."""
    assert finding.state is state, finding
    assert all(word in finding.says for word in words), finding
    assert finding.mend is not None or state in {State.OK, State.SKIPPED}, finding
    assert mend in (finding.mend or ""), finding
    return True
