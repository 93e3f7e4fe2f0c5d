"""A process that does what is due again and again until it is killed: `python -m busy_job`. Says `ready` first."""

import asyncio
import sys
from contextlib import aclosing

from parkingspots.kit.database import Database
from parkingspots.settings import load
from parkingspots_lifecycle import job
from parkingspots_lifecycle.steps import Bench


async def main() -> None:
    async with aclosing(Database(load(), pool_size=1)) as database:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            await job.run(Bench(database))


asyncio.run(main())
