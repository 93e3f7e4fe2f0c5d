"""The chart's README, made of its values' comments: `PYTHONPATH=tests python -m chart.values_page` prints it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import yaml

from chart.rendering import CHART

HEAD = Path(__file__).parent / "values_page_head.md"
PARTS = ("postgresql", "valkey")
GENERAL = "General"
ALIKE = {
    "registry": "Where the image is; empty for names without one.",
    "repository": "The image's name.",
    "tag": "The image's version.",
    "digest": "`sha256:…` wins over the tag.",
    "pullPolicy": "Always, IfNotPresent or Never.",
    "resources": "CPU and memory, as Kubernetes has them.",
    "nodeSelector": "Labels of the nodes that pods may run on.",
    "tolerations": "As Kubernetes has them.",
    "affinity": "As Kubernetes has it.",
    "priorityClassName": "Whose pods go first when a node is full.",
    "podLabels": "Further labels of the pods.",
    "podAnnotations": "Further annotations of the pods.",
    "annotations": "Annotations.",
    "accessModes": "Of the volume.",
    "interval": "Between two looks.",
}
"""What values of these names mean everywhere, unless a comment says more."""
COLUMNS, RULE = ("value", "default", "what it is"), ("---",) * 3


@dataclass(frozen=True)
class Value:
    """A line of a table, or without a default what is said above the table."""

    path: str
    default: str
    about: str

    @property
    def section(self) -> str:
        return GENERAL if self.default and "." not in self.path else self.path.partition(".")[0]


def page() -> str:
    """The whole page, Markdown."""
    values = sorted(all_values(), key=lambda value: value.section != GENERAL)
    tables = (_table(name, list(rows)) for name, rows in groupby(values, lambda value: value.section))
    return "\n".join([HEAD.read_text(), *tables])


def all_values() -> list[Value]:
    """Those of the chart, with those of its parts where the chart names them."""
    found: list[Value] = []
    for value in values_of(CHART):
        found.append(value)
        part = value.section
        if part in PARTS:
            found += [
                Value(f"{part}.{each.path}", each.default, each.about) for each in values_of(CHART / "charts" / part)
            ]
    return found


def values_of(folder: Path) -> list[Value]:
    text = (folder / "values.yaml").read_text()
    return list(_values(yaml.compose(text, yaml.SafeLoader), text.splitlines(), ""))


def _values(section: yaml.Node | None, lines: list[str], above: str) -> Iterator[Value]:
    assert isinstance(section, yaml.MappingNode)
    for key, node in section.value:
        path, about = f"{above}{key.value}", _comment(lines, key.start_mark.line)
        if isinstance(node, yaml.MappingNode) and not node.flow_style and key.value != "resources":
            if about:
                yield Value(path, "", about)
            yield from _values(node, lines, f"{path}.")
        else:
            yield Value(path, _shown(node), about or ALIKE.get(key.value, ""))


def _comment(lines: list[str], line: int) -> str:
    """The lines right above that begin with #, as one text."""
    found: list[str] = []
    while line and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        found.insert(0, lines[line].strip().removeprefix("# "))
    return " ".join(found)


def _shown(node: yaml.Node) -> str:
    value = yaml.SafeLoader("").construct_object(node, deep=True)
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return f"`{text.splitlines()[0]}`"


def _table(name: str, values: list[Value]) -> str:
    opening = "".join(f"{each.about}\n\n" for each in values if not each.default)
    rows = [(f"`{each.path}`", each.default, each.about) for each in values if each.default]
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in (COLUMNS, RULE, *rows)]
    return f"### {name}\n{opening}" + "".join(f"| {line} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
