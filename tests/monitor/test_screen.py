"""What the screen shows, and what keys do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from monitor.conftest import MakeWatch, Shown, showing
from monitor.pages import GET, POST, Process
from parkingspots.monitor.cards import Card
from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.help import Help
from parkingspots.monitor.screen import Monitor
from parkingspots.monitor.tables import PodsTable, RoutesTable, Table
from parkingspots.monitor.words import NOBODY_KNOWS
from product import until

MEMORY, BUSY = "process_resident_memory_bytes", "parkingspots_http_requests_in_flight"


class Screen:
    """The running monitor, read as a person does."""

    def __init__(self, pilot: Pilot[None], monitor: Monitor) -> None:
        self._pilot, self.monitor = pilot, monitor

    async def look(self) -> None:
        """Wait until it has looked once more, from the beginning."""
        for _ in range(2):
            self.monitor.looked.clear()
            await self.monitor.looked.wait()
        await self._pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._pilot.press(key)
        await self._pilot.pause()

    async def until_sees(self, text: str) -> None:
        async def sees() -> bool:
            await self._pilot.pause()
            return text in self.text

        await until(sees)

    @property
    def text(self) -> str:
        return "\n".join("".join(part.text for part in line) for line in self.lines)

    @property
    def lines(self) -> list[Any]:
        return self.monitor.screen._compositor.render_strips()

    def rows(self, table: type[Table] = PodsTable) -> list[list[str]]:
        shown = self.monitor.query_one(table)
        return [[cell.plain for cell in shown.get_row(row.key)] for row in shown.ordered_rows]

    def names(self) -> list[str]:
        return [row[0].removeprefix("● ").removeprefix("✗ ") for row in self.rows()]

    def head(self) -> list[str]:
        return [str(column.label) for column in self.monitor.query_one(PodsTable).ordered_columns]

    def said(self, selector: str) -> str:
        return str(self.monitor.query_one(selector, Static).content)


@asynccontextmanager
async def screen(watch: Any, size: tuple[int, int] = (170, 40)) -> AsyncIterator[Screen]:
    watch.interval = 0.1
    monitor = Monitor(watch)
    async with monitor.run_test(size=size) as pilot:
        found = Screen(pilot, monitor)
        await found.look()
        yield found


@pytest.fixture
async def pods() -> AsyncIterator[dict[str, Shown]]:
    """Three processes, in the order of their names; the second does most, the third least."""
    async with showing(Process()) as one, showing(Process()) as two, showing(Process()) as three:
        found = {
            url.removeprefix("http://"): shown for url, shown in sorted([one, two, three], key=lambda pair: pair[0])
        }
        for shown, memory in zip(found.values(), (200e6, 300e6, 100e6), strict=True):
            shown.process.gauges[MEMORY, "", ""] = memory
            shown.process.gauges[BUSY, "", ""] = memory / 1e8
        yield found


@pytest.fixture
async def shown(pods: dict[str, Shown], watching: MakeWatch) -> AsyncIterator[Screen]:
    async with screen(watching(*pods)) as screen_:
        yield screen_


async def test_a_row_is_a_pod_and_the_first_is_all_of_them(shown: Screen, pods: dict[str, Shown]) -> None:
    assert shown.names() == ["All", *sorted(pods)]
    memory = [column.title for column in COLUMNS].index("memory") + 2
    assert [row[memory] for row in shown.rows()] == ["600 MB", "200 MB", "300 MB", "100 MB"]
    assert "3 of 3 pods answer" in shown.text


async def test_one_pod_needs_no_total(pods: dict[str, Shown], watching: MakeWatch) -> None:
    one = min(pods)
    async with screen(watching(one)) as screen_:
        assert screen_.names() == [one]
        assert "1 of 1 pod answers" in screen_.text


async def test_keys_sort_by_columns_both_ways(shown: Screen, pods: dict[str, Shown]) -> None:
    first, second, third = sorted(pods)
    busy = [column.title for column in COLUMNS].index("busy") + 1
    await shown.press(*["s"] * busy)
    assert shown.names() == ["All", second, first, third]
    assert "busy ▼" in shown.head()
    await shown.press("r")
    assert shown.names() == ["All", third, first, second]
    await shown.press("S")
    assert "errors ▼" in shown.head()


async def test_a_pod_that_does_not_answer_is_shown_as_such(shown: Screen, pods: dict[str, Shown]) -> None:
    silent = min(pods)
    pods[silent].status = 503
    await shown.until_sees("2 of 3 pods answer")
    row = shown.rows()[1]
    assert row[:3] == [f"✗ {silent}", "it answers 503", NOBODY_KNOWS]
    pods[silent].status = 200
    await shown.until_sees("3 of 3 pods answer")


async def test_the_routes_are_those_of_the_pod_that_the_cursor_is_on(shown: Screen, pods: dict[str, Shown]) -> None:
    first, second, _ = sorted(pods)
    pods[first].process.ask(GET, times=5)
    pods[second].process.ask(POST, status=503, times=5)
    await shown.look()
    await shown.press("down", "down")
    assert shown.said("#chosen").startswith(second)
    assert [row[0] for row in shown.rows(RoutesTable)] == ["POST /api/v1/bookings/"]
    await shown.press("up")
    assert [row[0] for row in shown.rows(RoutesTable)] == ["GET /api/v1/parking-spots/search"]
    await shown.press("up")
    assert len(shown.rows(RoutesTable)) == 2


async def test_the_cursor_stays_on_its_pod_when_the_order_changes(shown: Screen, pods: dict[str, Shown]) -> None:
    await shown.press("down", "s", "r", "s")
    assert shown.said("#chosen").startswith(min(pods))


async def test_a_pause_keeps_the_screen_and_not_the_looking(shown: Screen, pods: dict[str, Shown]) -> None:
    await shown.press("p")
    assert "paused" in shown.text
    pods[min(pods)].status = 503
    await shown.look()
    assert shown.monitor.watching.answering == 2
    assert "3 of 3 pods answer" in shown.text
    await shown.press("p")
    assert "paused" not in shown.text
    assert "2 of 3 pods answer" in shown.text


async def test_help_names_every_key_and_column(shown: Screen) -> None:
    await shown.press("question_mark")
    assert isinstance(shown.monitor.screen, Help)
    for words in ("sort by", "stand still", "ctrl+c", "quit", *(column.about for column in COLUMNS)):
        assert words in shown.text
    await shown.press("escape")
    assert not isinstance(shown.monitor.screen, Help)


async def test_looking_goes_on_behind_the_help(shown: Screen) -> None:
    await shown.press("question_mark")
    await shown.look()
    await shown.press("q")
    assert "3 of 3 pods answer" in shown.text


async def test_q_ends_it(shown: Screen) -> None:
    await shown.press("q")
    assert not shown.monitor.is_running


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (40, 10)], ids=lambda size: f"{size[0]} x {size[1]}")
async def test_a_narrow_terminal_shows_what_matters(
    pods: dict[str, Shown], watching: MakeWatch, size: tuple[int, int]
) -> None:
    async with screen(watching(*pods), size) as screen_:
        assert all(line.cell_length == size[0] for line in screen_.lines)
        assert "pods answer" in screen_.text
        assert min(pods) in screen_.text


async def test_cards_draw_the_last_minutes_where_there_is_room(pods: dict[str, Shown], watching: MakeWatch) -> None:
    async with screen(watching(*pods)) as screen_:
        assert all(card.size.height == Card.BARS + 1 for card in screen_.monitor.query(Card))
        await screen_.until_sees("▁▁")


async def test_no_color_means_none(
    pods: dict[str, Shown], watching: MakeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with screen(watching(*pods)) as screen_:
        pods[min(pods)].status = 503
        await screen_.until_sees("it answers 503")
        styles = [part.style for line in screen_.lines for part in line if part.style]
    assert styles
    assert all(color is None or color.is_default for style in styles for color in (style.color, style.bgcolor))


async def test_before_the_first_look_it_says_what_it_waits_for(watching: MakeWatch) -> None:
    forever = asyncio.Event()

    class Nowhere:
        async def targets(self) -> Any:
            await forever.wait()

        async def aclose(self) -> None:
            """There is nothing to close."""

    monitor = Monitor(watching(discovery=Nowhere()))
    async with monitor.run_test() as pilot:
        await pilot.pause()
        assert "looking for pods" in str(monitor.query_one("#head", Static).content)
