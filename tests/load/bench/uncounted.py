"""The product with nothing counted, named or told of a kept answer: what `load.bench` holds the real one against.

python -m load.bench.uncounted PORT
"""

import sys

from starlette.types import Receive, Scope, Send

from parkingspots import serving
from parkingspots.dev.ports import HOST
from parkingspots.reads.sending import send_entry
from parkingspots.reads.shortcut import Shortcut
from parkingspots.settings import load


async def _answered(self: Shortcut, scope: Scope, receive: Receive, send: Send) -> None:
    """As the shortcut was before anything was counted."""
    found = self._found(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
    if found is None:
        await self.app(scope, receive, send)
        return
    entry, _, wanted = found
    await send_entry(entry, wanted, send)


def main(port: int) -> None:
    Shortcut.__call__ = _answered  # type: ignore[method-assign]
    serving.run(load(), HOST, port, 1, reload=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
