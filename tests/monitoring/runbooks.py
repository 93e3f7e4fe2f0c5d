"""The pages of the alerts, cut into their sections and what is to be typed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chart.rendering import ROOT
from monitoring.alerts import RUNBOOKS

SLO = ROOT / "docs" / "slo.md"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def sections(self) -> Mapping[str, str]:
        """What stands under each heading."""
        _, *parts = SECTION.split(self.text)
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def blocks(self, language: str) -> list[str]:
        """Each block of that language, as one would copy it."""
        return blocks(self.text, language)


def blocks(text: str, language: str) -> list[str]:
    found: Iterator[re.Match[str]] = BLOCK.finditer(text)
    return [each[3].strip() for each in found if each[2] == language]


def first_language(text: str) -> str:
    """Of the first block."""
    found = BLOCK.search(text)
    return found[2] if found else ""


@cache
def pages() -> Mapping[str, Page]:
    """Those of alerts, by the alert's name."""
    return {path.stem: Page(path) for path in sorted(RUNBOOKS.glob("ParkingSpots*.md"))}
