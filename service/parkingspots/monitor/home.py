"""Where `make dev` of this folder serves."""

import os
import re
from pathlib import Path

USUAL = "http://127.0.0.1:8000/metrics"
LOCK = Path(".run", "lock")
"""What a second `make dev` is refused with: the URL and the process of the first."""
NOTE = re.compile(r"(http://[\d.]+:\d+) \(process (\d+)\)")


def url() -> str:
    """The usual one where nothing runs here: what an earlier run left behind leads to nobody."""
    try:
        found = NOTE.fullmatch(LOCK.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return USUAL
    return f"{found[1]}/metrics" if found and _is_there(int(found[2])) else USUAL


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True
