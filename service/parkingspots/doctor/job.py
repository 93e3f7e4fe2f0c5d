"""The minute job: whether it runs, and whether it keeps up."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.schema import require_tables
from parkingspots.doctor.world import World
from parkingspots.kit.job_runs import LATEST

STALE, LATE = 300.0, 600.0  # seconds
RUN = "parkingspots-lifecycle run    # in a cluster: kubectl describe cronjob"
FAILURES = "parkingspots-lifecycle run --debug"


@dataclass(frozen=True)
class Latest:
    """Of a step: its last run, and how long ago it last succeeded. What is not known is None."""

    step: str
    failed: int | None
    backlog: int | None
    oldest_due_age: float | None
    success_age: float | None


def of_success(steps: Sequence[Latest]) -> Finding:
    """A step that is no longer run, as those of money where payments were switched off, says nothing."""
    ages = [each.success_age for each in steps if each.success_age is not None]
    if not ages:
        return warn("The minute job has never succeeded: bookings neither start, end nor lapse.", RUN)
    if min(ages) > STALE:
        says = f"The minute job last succeeded {written(min(ages))} ago: bookings neither start, end nor lapse."
        return fail(says, RUN)
    failing = [each.step for each in steps if each.failed]
    if failing:
        return fail(f"The last run of {', '.join(failing)} failed.", FAILURES)
    return ok(f"The minute job succeeded {written(min(ages))} ago.")


def of_backlog(steps: Sequence[Latest]) -> Finding:
    late = [each for each in steps if each.backlog and (each.oldest_due_age or 0) > LATE]
    if late:
        worst = max(late, key=lambda each: each.oldest_due_age or 0)
        says = f"{worst.step} has {worst.backlog:,} to do, the first of it for {written(worst.oldest_due_age or 0)}."
        return warn(says, "parkingspots-lifecycle run --dry-run")
    return ok("Nothing has been due for long.")


def written(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


async def _latest(world: World) -> Sequence[Latest]:
    await require_tables(world)
    columns = [each.name for each in fields(Latest)]
    return [Latest(**{name: row[name] for name in columns}) for row in await world.rows(LATEST.text)]


async def _success(world: World) -> Finding:
    return of_success(await world.once(_latest))


async def _backlog(world: World) -> Finding:
    return of_backlog(await world.once(_latest))


GROUP = Group("job", (Check("success", _success), Check("backlog", _backlog)))
