"""What scenarios came to, kept in docs/reliability.json, and shown by docs/reliability.md."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from resilience import page
from resilience.page import Result
from resilience.scenario import Group

DOCS = Path(__file__).parents[2] / "docs"
IS_WANTED = "RELIABILITY"
"""The variable under which tests on a cluster keep what they measure."""


def kept(group: Group, name: str, promised: str, measured: str, *, held: bool, command: str) -> None:
    """Put a row of a test on a cluster on the page, where RELIABILITY=1 asks for it."""
    if os.environ.get(IS_WANTED) == "1":
        keep(group, name, promised, measured, held=held, command=command, docs=DOCS)


def keep(group: Group, name: str, promised: str, measured: str, *, held: bool, command: str, docs: Path) -> None:
    """In the place of what was measured before; the rows of others stay."""
    result = Result(name, group, promised, measured, held, command, f"{datetime.now(UTC):%Y-%m-%d}")
    results = {each.name: each for each in read(docs)} | {name: result}
    store = docs / "reliability.json"
    in_order = sorted(results.values(), key=lambda each: (list(Group).index(Group(each.group)), each.name))
    store.write_text(json.dumps([asdict(each) for each in in_order], indent=2, ensure_ascii=False) + "\n")
    (docs / "reliability.md").write_text(page.written(in_order))


def read(docs: Path) -> list[Result]:
    store = docs / "reliability.json"
    return [Result(**each) for each in json.loads(store.read_text())] if store.exists() else []
