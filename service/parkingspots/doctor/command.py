"""`parkingspots doctor`, from what was asked to the exit code."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from rich.console import Console

from parkingspots.doctor import cluster, examining, inside, report
from parkingspots.doctor.examining import Line
from parkingspots.doctor.finding import State
from parkingspots.doctor.hiding import hiding
from parkingspots.doctor.readings import Reading, read
from parkingspots.doctor.registry import GROUPS, NAMES
from parkingspots.doctor.world import Options, World


class Misfit(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Options that do not go together."""


def run(options: Options, only: Sequence[str] = (), *, dev: bool, as_json: bool, strict: bool) -> int:
    """Look, tell, and say by the exit code whether something failed; raises NoDev or Misfit."""
    _require_fit(options, only, dev=dev)
    with Console(stderr=True).status("Looking …"):
        lines = asyncio.run(look(options, only or NAMES, dev=dev))
    console = Console(highlight=False)
    if as_json:
        console.print(report.as_json(lines), markup=False, soft_wrap=True)
    else:
        report.show(lines, console)
    wrong = {State.FAIL, State.WARN} if strict else {State.FAIL}
    return int(any(line.finding.state in wrong for line in lines))


def _require_fit(options: Options, only: Sequence[str], *, dev: bool) -> None:
    if options.namespace is None:
        for name, given in (("--release", options.release), ("--context", options.context)):
            if given is not None:
                raise Misfit(f"{name} goes with --namespace.")
        if cluster.GROUP.name in only:
            raise Misfit(f"--only {cluster.GROUP.name} goes with --namespace.")
    elif dev:
        raise Misfit("Give --dev or --namespace, not both.")


async def look(options: Options, only: Sequence[str], *, dev: bool = False) -> list[Line]:
    """The groups that are asked for: from here, or of a cluster from here and from inside a pod."""
    if options.namespace is None:
        return await _from_here(options, only, read(dev=dev))
    within = [name for name in NAMES if name in only and name != cluster.GROUP.name]
    async with aclosing(World(options, Reading(None))) as world:
        wanted = [each for each in (cluster.GROUP,) if each.name in only]
        outside = await examining.examine(wanted, world, hiding(None))
        return [*(await inside.examine(world, within) if within else []), *outside]


async def _from_here(options: Options, only: Sequence[str], reading: Reading) -> list[Line]:
    async with aclosing(World(options, reading)) as world:
        groups = [group for group in GROUPS if group.name in only]
        return await examining.examine(groups, world, hiding(reading.settings))
