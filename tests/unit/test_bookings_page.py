"""docs/bookings.md shows the lifecycle as the rules have it."""

import re
from itertools import product
from pathlib import Path

from parkingspots.bookings import rules
from parkingspots.bookings.rules import Party, Status

PAGE = Path(__file__).parents[2] / "docs" / "bookings.md"
BLOCK = re.compile(r"<!-- lifecycle: .* -->\n(.*)<!-- end of lifecycle -->", re.DOTALL)


def lifecycle() -> str:
    """The state diagram, and the table of who may ask for what by PUT /bookings/{id}/status."""
    moves = [(old, new) for old, new in product(Status, Status) if new in rules.NEXT[old]]
    ends = [status for status in Status if not rules.NEXT[status]]
    arrows = [f"    {old} --> {new}" for old, new in moves] + [f"    {status} --> [*]" for status in ends]
    rows = [f"| {old} → {new} | {' | '.join(_may(party, new) for party in Party)} |" for old, new in moves]
    diagram = ["```mermaid", "stateDiagram-v2", "    [*] --> pending", "    [*] --> confirmed", *arrows, "```"]
    table = [f"| transition | {' | '.join(Party)} |", "|---|" + "---|" * len(Party), *rows]
    return "\n".join([*diagram, "", *table, ""])


def _may(party: Party, wanted: Status) -> str:
    return "yes" if wanted in rules.MAY_ASK_FOR[party] else "no"


def test_the_page_holds_the_lifecycle_as_the_rules_have_it() -> None:
    block = BLOCK.search(PAGE.read_text())
    assert block is not None
    assert block[1] == lifecycle()
