"""An operator that is killed at any step and started anew comes to the same end."""

import pytest

from kube.cluster import Cluster
from kube.mortal import GOOD_END, WRITES, Mortal, end, live, live_and_be_killed
from kube.process import started


@pytest.mark.parametrize("having_written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
async def test_the_end_is_the_same_whenever_it_is_killed(cluster: Cluster, write: int, *, having_written: bool) -> None:
    await live_and_be_killed(cluster, write, having_written=having_written)
    assert end(cluster) == GOOD_END


async def test_there_are_not_more_writes_than_it_is_killed_at(cluster: Cluster) -> None:
    await cluster.install()
    await live(cluster, Mortal(WRITES + 1, having_written=False))


async def test_a_failed_migration_stays_failed_for_the_next_process(cluster: Cluster) -> None:
    await cluster.install()
    async with started() as operator:
        await operator.look()
    await cluster.fail(cluster.unfinished()[0])
    for _ in range(3):
        async with started() as operator:
            await operator.look()
    assert (cluster.phase(), len(cluster.jobs())) == ("MigrationFailed", 1)
