"""Checks are made side by side; whatever becomes of one is a finding, and none of them tells a secret."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, Skip, State, fail
from parkingspots.doctor.registry import GROUPS
from parkingspots.doctor.world import World
from parkingspots.kit.database import described


@dataclass(frozen=True)
class Line:
    """What one check has found. A group that is not looked at has one line, under its own name."""

    group: str
    check: str
    finding: Finding


async def examine(groups: Sequence[Group], world: World, hide: Callable[[str], str]) -> list[Line]:
    """In the order of the groups, whichever was ready first; before them what keeps them from looking."""
    found = await asyncio.gather(*(_group(group, world) for group in groups))
    lines = [line for lines in found for line in lines]
    return [_hidden(line, hide) for line in [*await _in_the_way(lines, world), *lines]]


async def _in_the_way(lines: Sequence[Line], world: World) -> list[Line]:
    """What the checks say that others wait for, where nobody asked for their group."""
    wanted = {line.finding.behind for line in lines} - {(line.group, line.check) for line in lines}
    checks = [(group, check) for group in GROUPS for check in group.checks if (group.name, check.name) in wanted]
    found = await asyncio.gather(*(_look(group, check, world) for group, check in checks))
    return [Line(group.name, check.name, finding) for (group, check), finding in zip(checks, found, strict=True)]


async def _group(group: Group, world: World) -> list[Line]:
    try:
        why_not = group.why_not(world)
    except Skip as skip:
        return [Line(group.name, group.name, _skipped(skip))]
    if why_not is not None:
        return [Line(group.name, group.name, Finding(State.SKIPPED, why_not))]
    found = await asyncio.gather(*(_look(group, check, world) for check in group.checks))
    return [Line(group.name, check.name, finding) for check, finding in zip(group.checks, found, strict=True)]


async def _look(group: Group, check: Check, world: World) -> Finding:
    limit = asyncio.timeout(check.seconds)
    try:
        async with limit:
            return await check.look(world)
    except Skip as skip:
        return _skipped(skip)
    except Exception as error:  # noqa: BLE001 - one check that breaks keeps none of the others from being told
        again = f"parkingspots doctor --only {group.name}"
        if limit.expired():
            return fail(f"There was no answer within {check.seconds:g} s.", again)
        return fail(_sentence(error), again)


def _skipped(skip: Skip) -> Finding:
    return Finding(State.SKIPPED, str(skip), behind=skip.behind)


def _sentence(error: Exception) -> str:
    if isinstance(error, RedisError | SQLAlchemyError | OSError):
        return f"It was refused: {described(error)}."
    place = extract_tb(error.__traceback__)[-1]
    return f"This check is broken ({type(error).__name__} in {Path(place.filename).name}, line {place.lineno})."


def _hidden(line: Line, hide: Callable[[str], str]) -> Line:
    finding = line.finding
    mend = finding.mend and hide(finding.mend)
    return replace(line, finding=replace(finding, says=hide(finding.says), mend=mend))
