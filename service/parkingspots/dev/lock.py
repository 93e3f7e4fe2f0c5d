"""A folder belongs to one process at a time: a file lock that the system drops when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Taken(Exception):  # noqa: N818 - a state, not a mistake
    """Another process holds the lock; `note` is what it left there."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


@contextmanager
def held(path: Path, note: str) -> Iterator[None]:
    """Hold the lock `path`, with `note` in it for others; raise Taken where another process holds it."""
    path.touch(mode=0o600)
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(file.read().strip()) from None
        file.truncate()
        file.write(note)
        file.flush()
        yield
