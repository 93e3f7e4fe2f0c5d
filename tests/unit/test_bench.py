"""What the bench makes of its figures, before anybody reads them."""

from datetime import date

import pytest

from load.bench import page
from load.bench.figures import Bar, Row, Run, Size, broken, compared, median_of_ratios, not_run, void

ORDER = ["search", "spot"]
TODAY = date(2030, 5, 1)


def a_run(rate: float = 100, *, size: float = 1_000, errors: int = 0, client: float = 0.5, complaint: str = "") -> Run:
    return Run(rate, p50=1, p95=2, p99=3, size=size, errors=errors, client=client, complaint=complaint)


def a_row(what: str, figure: str) -> Row:
    return Row(what, figure, "100/s", "0.60", "≥ 0.6", "held")


def test_the_ratio_is_the_median_of_those_of_the_rounds() -> None:
    """Not the ratio of the medians, 2: a machine that grows slower in the middle of a run changes nothing."""
    assert median_of_ratios([(60, 100), (30, 50), (90, 30)]) == pytest.approx(0.6)


def test_a_reference_that_did_nothing_flatters_nobody() -> None:
    assert median_of_ratios([(60, 0)]) == 0


def test_a_row_is_held_or_missed_by_its_ratio() -> None:
    rounds = [(a_run(60), a_run(100))] * 3
    assert compared("search", rounds, Bar(0.6), Size(1_000), Size(1_000)).held == "held"
    assert compared("search", rounds, Bar(0.61), Size(1_000), Size(1_000)).held == "missed"


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (a_run(errors=3), "3 errors"),
        (a_run(size=970), "answers of 970 B, not 1,000 B"),
        (a_run(size=1_030), "answers of 1,030 B, not 1,000 B"),
        (a_run(client=0.96), "the load client had 96% of its core"),
        (a_run(complaint="too few queries"), "too few queries"),
    ],
)
def test_a_run_that_proves_nothing_voids_its_row_on_either_side(run: Run, reason: str) -> None:
    good = a_run()
    assert void(run, Size(1_000)) == reason
    for rounds in ([(good, good), (run, good)], [(good, good), (good, run)]):
        assert compared("search", rounds, Bar(0.6), Size(1_000), Size(1_000)).held == f"void: {reason}"


def test_an_answer_may_have_a_digit_more_in_a_header() -> None:
    assert void(a_run(size=1_010), Size(1_000)) == ""


def test_a_latency_is_held_below_its_bar() -> None:
    assert Bar(160, " MB", at_least=False).holds(159)
    assert not Bar(160, " MB", at_least=False).holds(161)


def test_the_page_takes_the_rows_of_this_run_and_keeps_those_of_others() -> None:
    empty = f"# Performance\n{page.START}{page.END}\nthe end\n"
    first = page.replaced(empty, [a_row("spot", "1/s"), a_row("search", "2/s")], ORDER, TODAY)
    second = page.replaced(first, [a_row("spot", "3/s"), not_run("search", "≥ 0.6", "no time")], ORDER, TODAY)
    assert "1/s" not in second
    assert second.startswith("# Performance\n")
    assert second.endswith("\nthe end\n")
    assert [line.split("|")[1:3] for line in second.splitlines() if "/s" in line] == [
        [" search ", " 2/s "],
        [" spot ", " 3/s "],
    ]


def test_what_a_broken_row_says_stays_in_its_cell() -> None:
    line = page.replaced(f"{page.START}{page.END}", [broken("spot", "a | b\nc")], ORDER, TODAY).splitlines()[-2]
    assert line.count("|") == len(page.COLUMNS) + 1
    assert "void: a b c" in line


def test_a_row_that_the_bench_no_longer_has_leaves_the_page() -> None:
    empty = f"{page.START}{page.END}"
    assert "1/s" not in page.replaced(page.replaced(empty, [a_row("spot", "1/s")], ORDER, TODAY), [], ["search"], TODAY)


def test_a_page_without_a_block_is_left_alone() -> None:
    with pytest.raises(ValueError, match="lacks"):
        page.replaced("# Performance\n", [], ORDER, TODAY)
