"""The alerts' pages: one for each, of one shape, and whatever is to be typed works."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import parkingspots.cli
import parkingspots_lifecycle.cli
from monitoring.alerts import RUNBOOKS, alerts, promtool, rules
from monitoring.boards import names
from monitoring.exported import families, kept_by_the_job
from monitoring.runbooks import SLO, Page, blocks, first_language, pages

SHAPE = ["What it means", "Who is hurt", "How to look", "How to mend", "How to know that it is over"]
OF_KUBERNETES = {
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_waiting_reason",
}
PROGRAMS = {"parkingspots": parkingspots.cli.app, "parkingspots-lifecycle": parkingspots_lifecycle.cli.app}
COMMAND = re.compile(r"(?:-- |`|\$ )(parkingspots(?:-lifecycle)? [a-z][^`|\n]*)")
LINK = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")

every_page = pytest.mark.parametrize("page", pages().values(), ids=pages())


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert pages().keys() == alerts().keys()


def test_the_index_lists_every_page_with_its_severities() -> None:
    listed = dict(re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| ([a-z, ]+) \| .+ \|$", index(), re.MULTILINE))
    severities = {name: {rule["labels"]["severity"] for rule in found} for name, found in alerts().items()}
    assert {name: set(said.split(", ")) for name, said in listed.items()} == severities


def index() -> str:
    return (RUNBOOKS / "README.md").read_text()


@every_page
def test_a_page_has_the_one_shape_and_its_first_query_asks_prometheus(page: Page) -> None:
    head = page.text.splitlines()
    assert head[0] == f"# {page.path.stem}"
    assert head[1].startswith("Severity: ")
    assert list(page.sections) == SHAPE
    assert all(section.strip() for section in page.sections.values())
    assert first_language(page.sections["How to look"]) == "promql"
    assert blocks(page.sections["How to know that it is over"], "promql")


@every_page
def test_a_page_says_how_urgent_its_alert_is(page: Page) -> None:
    said = set(re.findall("critical|warning", page.text.splitlines()[1]))
    assert said == {rule["labels"]["severity"] for rule in alerts()[page.path.stem]}


def queries(page: Page) -> Iterator[str]:
    yield from page.blocks("promql")


@pytest.mark.parametrize("page", [*pages().values(), Page(SLO)], ids=lambda page: page.path.stem)
def test_every_query_can_be_asked_and_asks_for_what_there_is(page: Page, tmp_path: Path) -> None:
    told = {name for series in families().values() for name in series} | kept_by_the_job()
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for query in queries(page):
        assert names(query) - told - recorded - OF_KUBERNETES - {"up"} == set(), query
    asked = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries(page))]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": page.path.stem, "rules": asked}]}))
    promtool("check", "rules", file)


@every_page
async def test_every_statement_is_one_that_the_schema_takes(page: Page, session: AsyncSession) -> None:
    for statement in page.blocks("sql"):
        await session.execute(text("EXPLAIN " + statement.rstrip(";").replace(":", r"\:")))
        await session.rollback()


@every_page
def test_every_command_of_the_product_is_one_that_there_is(page: Page) -> None:
    for command in COMMAND.findall(page.text):
        program, *arguments = shlex.split(command)
        understood(typer.main.get_command(PROGRAMS[program]), program, arguments)


def understood(command: Any, name: str, arguments: list[str]) -> None:
    """Exits with 2 for an option or a command that there is not."""
    context = command.make_context(name, arguments)
    if hasattr(command, "resolve_command"):
        found, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        understood(inner, found, rest)


def test_a_command_that_there_is_not_is_noticed() -> None:
    for wrong in (["migrate", "currently"], ["ledger", "check", "--hours", "3"]):
        with pytest.raises(Exception, match="No such"):
            understood(typer.main.get_command(parkingspots.cli.app), "parkingspots", wrong)


@every_page
def test_a_link_to_a_section_leads_to_one(page: Page) -> None:
    for target, anchor in LINK.findall(page.text):
        headings = re.findall(r"^#+ (.+)$", (page.path.parent / target).read_text(), re.MULTILINE)
        assert anchor in {slug(heading) for heading in headings}, f"{target}#{anchor}"


def slug(heading: str) -> str:
    """As GitHub calls a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
