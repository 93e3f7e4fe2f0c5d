"""What a process tells Prometheus, as tests read it."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Told:
    """All samples of one answer."""

    samples: list[Sample]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels; 0 where there are none."""
        return sum(each.value for each in self.samples if each.name == name and _has(each, labels))

    def by_label(self, name: str) -> dict[str, float]:
        """The samples of that name, which has one label, by its values."""
        return {next(iter(each.labels.values())): each.value for each in self.samples if each.name == name}

    def values_of(self, label: str) -> set[str]:
        """Those that the label takes anywhere."""
        return {each.labels[label] for each in self.samples if label in each.labels}


def _has(sample: Sample, labels: Mapping[str, str]) -> bool:
    return all(sample.labels.get(name) == value for name, value in labels.items())


def told(text: str) -> Told:
    return Told([sample for family in text_string_to_metric_families(text) for sample in family.samples])


async def asked(client: httpx.AsyncClient) -> Told:
    """What the application behind the client tells now."""
    return told((await client.get("/metrics")).text)
