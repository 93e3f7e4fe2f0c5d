"""For developers and whoever is on call: what is kept of public reads, and what searches cost with and without it."""

from tools.dashboards.board import Board
from tools.dashboards.limits import GREEN, RED, SEARCH, YELLOW, notable_from, worse_below, worse_from
from tools.dashboards.panels import heat, lines, number, states
from tools.dashboards.promises import DURATION, SEARCHES
from tools.dashboards.queries import (
    BY_POD,
    OF_POD,
    RANGE,
    RATE,
    greatest,
    increase,
    of,
    or_none,
    quantile,
    rate,
    share_within,
    total,
)

READS = "parkingspots_reads_total"
STATEMENT = "parkingspots_database_statement_duration_seconds"
AT_HAND, CAN_BE_KEPT = 'outcome=~"hit|shared|coalesced"', 'outcome=~"hit|shared|coalesced|miss"'
KEPT_ROUTES = (
    'method="GET"',
    'route=~"/api/v1/parking-spots/(search|{spot_id}|{spot_id}/availability)?|/api/v1/reviews/.*spot/.*"',
)
LOADING = 'function=~"spots[.].*|reviews[.].*"'
NO_READS = "No public reads"


def _hit_rate(over: str, by: str = "") -> str:
    at_hand, can_be = (total(rate(of(READS, which), over), by) for which in (AT_HAND, CAN_BE_KEPT))
    return f"{at_hand} / {can_be}"


ANSWERS = (
    number(
        "Hit rate",
        _hit_rate(RANGE),
        "percentunit",
        decimals=1,
        limits=worse_below(0.5, 0.8),
        empty=NO_READS,
        alert="ParkingSpotsHitRateIsLow",
        shows="Of the public reads that can be kept, those that were at hand: in the process, in Valkey, or being"
        " loaded for somebody else.",
        worry="when it is red under traffic: the database does the work.",
    ),
    number(
        "Searches within 1 ms",
        share_within(0.001, DURATION, *SEARCHES, over=RANGE),
        "percentunit",
        decimals=1,
        empty="No searches",
        shows="Searches and lists that were answered faster than any database could: from what is kept.",
        worry="when it falls while the traffic stays: see why answers are no longer kept.",
    ),
    number(
        "Answers that are kept",
        total(of("parkingspots_reads_kept_bytes")),
        "bytes",
        shows="What the processes of the chosen pods keep in memory, together.",
        worry="when it is near zero under traffic, or beyond what was planned for the pods.",
    ),
    number(
        "Does Valkey answer?",
        f"min({of('parkingspots_cache_up')})",
        "none",
        words={"1": ("to all pods", GREEN), "0": ("not to all", RED)},
        alert="ParkingSpotsCacheIsDown",
        shows="Asked by each pod every five seconds.",
        worry="during the day: answers are right without it, only slower, and rate limits are each pod's own.",
    ),
    number(
        "Last news of changes",
        greatest(of("parkingspots_reads_heard_age_seconds")),
        "s",
        decimals=1,
        limits=worse_from(30, 1),
        alert="ParkingSpotsChangesAreNotHeard",
        shows="How long ago the pod that is furthest behind last heard from the log of changes.",
        worry="from one second on, that pod answers nothing from what it keeps.",
    ),
    number(
        "Stale answers",
        or_none(increase(READS, 'outcome="stale"')),
        "short",
        decimals=0,
        limits=notable_from(1),
        shows="Answers given past their time, with their honest age, because PostgreSQL was away or no turn came.",
        worry="when there are any: the database was away, or more was asked than can be done. See the overview.",
    ),
    lines(
        "Hit rate by route",
        {"{{route}}": _hit_rate(RATE, "route")},
        "percentunit",
        limits=worse_below(0.5),
        empty=NO_READS,
        alert="ParkingSpotsHitRateIsLow",
        shows="Of the reads that can be kept, those that were at hand, by route.",
        worry="when a route stays below the line: its questions never repeat, or its answers do not last.",
    ),
    lines(
        "How public reads were answered",
        {"{{outcome}}": total(rate(of(READS)), "outcome")},
        "reqps",
        stacked=True,
        empty=NO_READS,
        shows="`hit` this process had it, `shared` Valkey had it, `miss` was loaded, `coalesced` waited for another's"
        " load, `stale` PostgreSQL was away or no turn came, `own` a visitor's own, `failed` was no 200.",
        worry="when `miss` outgrows `hit`, or `stale` and `failed` appear.",
    ),
    lines(
        "Public reads by route",
        {"{{route}}": total(rate(of(READS)), "route")},
        "reqps",
        stacked=True,
        empty=NO_READS,
        shows="Reads a second that could be answered from what is kept.",
        worry="when one route jumps: somebody copies the whole city, or a page asks in a loop.",
    ),
)

TIMES = (
    heat(
        "How long searches take",
        total(f"increase({of(f'{DURATION}_bucket', *SEARCHES)}[{RATE}])", "le"),
        "s",
        empty="No searches",
        shows="Each column is a moment, each cell counts searches: the lower band was kept, the upper one was loaded.",
        worry="when the upper band grows or climbs towards 250 ms.",
    ),
    lines(
        "Loading: 99 % of statements within",
        {"{{function}}": f"topk(10, {quantile(0.99, STATEMENT, LOADING, by='function')})"},
        "s",
        limits=worse_from(1),
        wide=12,
        empty="Nothing was loaded",
        alert="ParkingSpotsStatementsAreSlow",
        shows="What a public read costs that is not kept: the statements of spots and reviews.",
        worry="when it climbs: then every miss costs more, and so does the loss of the cache.",
    ),
    lines(
        "Kept or loaded: half within",
        {
            "answer: {{route}}": quantile(0.5, DURATION, *KEPT_ROUTES, by="route"),
            "loading: {{function}}": quantile(0.5, STATEMENT, LOADING, by="function"),
        },
        "s",
        wide=12,
        empty=NO_READS,
        shows="The usual answer of each route that is kept, beside the usual statement that loads. Kept ones take far"
        " less than a millisecond.",
        worry="when the answers come near the statements: most are loaded.",
    ),
    lines(
        "Searches: 99 % within",
        {
            "{{route}}": quantile(0.99, DURATION, *SEARCHES, by="route"),
        },
        "s",
        limits=worse_from(SEARCH),
        wide=12,
        empty="No searches",
        alert="ParkingSpotsSearchLatencyBurns",
        shows="The slow ones among searches and lists: those that were loaded.",
        worry="above the line.",
    ),
)

INSIDE = (
    lines(
        "Loaded again before their time",
        {"{{route}}": total(rate(of("parkingspots_reads_refreshed_total")), "route")},
        "ops",
        empty="None yet: answers are renewed shortly before they end",
        shows="Answers that are in demand are loaded anew in the background shortly before they end.",
        worry="not by itself. None at all under traffic: popular answers end for everybody at once.",
    ),
    lines(
        "Memory for what is kept",
        {OF_POD: total(of("parkingspots_reads_kept_bytes"), BY_POD)},
        "bytes",
        shows="About what each process keeps.",
        worry="when it grows without end: it should level off.",
    ),
    lines(
        "Age of the last news of changes",
        {OF_POD: greatest(of("parkingspots_reads_heard_age_seconds"), BY_POD)},
        "s",
        limits=worse_from(30, 1),
        alert="ParkingSpotsChangesAreNotHeard",
        shows="Since each process last heard what has changed. It looks twice a second.",
        worry="above one second nothing is answered from what is kept; above thirty the process is cut off.",
    ),
    lines(
        "Exchanges with Valkey that failed",
        {"{{of}}": total(rate(of("parkingspots_reads_valkey_errors_total")), "of")},
        "ops",
        empty="None yet",
        shows="By what was asked of it.",
        worry="when it lasts: the network, or a Valkey that is too slow.",
    ),
    states(
        "Is Valkey left alone?",
        {"{{of}}, " + OF_POD: of("parkingspots_reads_breaker_open")},
        words={"0": ("asked", GREEN), "1": ("left alone", YELLOW)},
        empty="Valkey was not asked yet",
        wide=8,
        shows="After failures a process leaves Valkey alone for a while, and asks again on trial.",
        worry="when it stays: see why Valkey does not answer.",
    ),
    lines(
        "Values in Valkey that nobody understands",
        {OF_POD: total(rate(of("parkingspots_reads_unreadable_total")), BY_POD)},
        "ops",
        shows="Values under our keys that were no answers of ours; they are passed over.",
        worry="when there are any: somebody else writes there, or two releases share a prefix.",
    ),
)

BOARD = Board(
    name="cache",
    title="cache and search",
    about="What is kept of public reads, how searches do with and without it, and how Valkey is.",
    rows=(("Answers", ANSWERS), ("How long it takes", TIMES), ("Inside", INSIDE)),
)
