"""For whoever is on call: are the promises kept, and what is short of what."""

from tools.dashboards import promises, saturation
from tools.dashboards.board import Board
from tools.dashboards.limits import (
    AVAILABILITY,
    BOOKING,
    BUDGET,
    QUICKLY,
    SEARCH,
    worse_below,
    worse_from,
)
from tools.dashboards.panels import lines, number, rows
from tools.dashboards.promises import BOOKINGS, BROKEN, DURATION, OF_CLIENTS, REQUESTS, SEARCHES
from tools.dashboards.queries import (
    NAMESPACE,
    RANGE,
    of,
    or_none,
    quantile,
    rate,
    total,
)

NO_RULES = "Prometheus does not load the chart's rules"
NO_REQUESTS = "No requests"

PROMISES = (
    number(
        "Availability",
        promises.kept(),
        "percentunit",
        decimals=3,
        limits=worse_below(AVAILABILITY, 0.9995),
        empty=NO_REQUESTS,
        alert="ParkingSpotsAvailabilityBurns",
        shows="Requests that were not answered with 5xx, in the time that is shown. The promise is 99.9 %.",
        worry="when it is red: more was broken than is promised for that time.",
    ),
    number(
        "Error budget that is left",
        promises.budget_left(),
        "percentunit",
        decimals=1,
        limits=worse_below(0, 0.5),
        empty=NO_REQUESTS,
        shows="Of the 0.1 % of requests that may fail in the time that is shown, the part that has not failed."
        " Choose 30 days to see the month's.",
        worry="when it is below zero: put what is risky off until it has recovered.",
    ),
    number(
        "Searches within 250 ms",
        promises.searches_in_time(RANGE),
        "percentunit",
        decimals=2,
        limits=worse_below(QUICKLY, 0.995),
        empty="No searches",
        alert="ParkingSpotsSearchLatencyBurns",
        shows="Searches and lists of spots that were answered in time. The promise is 99 %.",
        worry="when it is red. Look at the cache's dashboard: without it every search asks the database.",
    ),
    number(
        "Bookings within 500 ms",
        promises.bookings_in_time(RANGE),
        "percentunit",
        decimals=2,
        limits=worse_below(QUICKLY, 0.995),
        empty="No bookings",
        alert="ParkingSpotsBookingLatencyBurns",
        shows="Attempts to book that were answered in time, whatever the answer was. The promise is 99 %.",
        worry="when it is red. Look at locks and at the wait for connections below.",
    ),
    number(
        "Minute job: last success",
        promises.freshness(),
        "s",
        limits=worse_from(180, 120),
        empty="The minute job has never run",
        alert="ParkingSpotsFreshnessBurns",
        shows="How long ago bookings were last begun, ended and let go of; the oldest of these steps.",
        worry="from three minutes on: renters see bookings that should have moved on.",
    ),
    number(
        "Alerts that fire",
        or_none(f'count(ALERTS{{alertname=~"ParkingSpots.*",alertstate="firing",{NAMESPACE}}})'),
        "none",
        limits=worse_from(1),
        shows="How many of the chart's alerts fire now. It is zero also where Prometheus does not load its rules.",
        worry="when it is not zero; the table says which.",
    ),
    lines(
        "How fast budgets burn: last hour",
        {"{{slo}}": promises.burn("1h")},
        "none",
        limits=worse_from(14.4),
        empty=NO_RULES,
        alert="ParkingSpotsAvailabilityBurns",
        shows="1 uses the month's budget up in exactly a month, 14.4 in two days: what the alerts look at.",
        worry="above the line, while the chart beside it is above its own: somebody is called.",
    ),
    lines(
        "How fast budgets burn: last six hours",
        {"{{slo}}": promises.burn("6h")},
        "none",
        limits=worse_from(6),
        empty=NO_RULES,
        alert="ParkingSpotsAvailabilityBurns",
        shows="The same over six hours: slower fires, and when fast ones are over.",
        worry="above the line: at 6 the month's budget lasts five days.",
    ),
    rows(
        "Which alerts fire or are about to",
        {
            "firing": "max by (alertname, alertstate, severity, namespace) "
            f'(ALERTS{{alertname=~"ParkingSpots.*",{NAMESPACE}}})'
        },
        "none",
        hidden=("firing",),
        empty="None, or Prometheus does not load the chart's rules",
        wide=8,
        shows="The chart's alerts by name; `pending` ones fire if it goes on. The runbook has a page for each.",
        worry="about critical ones at once, about warnings during the day.",
    ),
)

TRAFFIC = (
    lines(
        "Requests by status",
        {"{{status}}": total(rate(of(REQUESTS)), "status")},
        "reqps",
        stacked=True,
        empty=NO_REQUESTS,
        shows="Answers a second by status; 499 is a client that went away.",
        worry="when 5xx appear, when 429 grow, or when all of it stops.",
    ),
    lines(
        "Errors by route",
        {
            "{{method}} {{route}} {{status}}": or_none(
                f"topk(10, {total(rate(of(REQUESTS, OF_CLIENTS, BROKEN)), 'method, route, status')})"
            )
        },
        "reqps",
        shows="The ten routes that answer most often with 5xx. A line of zero without a name: none does.",
        worry="whenever a route appears here for longer than a rollout lasts.",
        alert="ParkingSpotsAvailabilityBurns",
    ),
    lines(
        "Refused by rate limits",
        {"{{policy}}": total(rate(of("parkingspots_rate_limited_total")), "policy")},
        "reqps",
        shows="Requests that were answered with 429, by the limit that they ran into.",
        worry="when it lasts: a client that is broken, or somebody who guesses passwords.",
    ),
    rows(
        "Routes",
        {
            "requests a second": total(rate(of(REQUESTS, OF_CLIENTS), RANGE), "method, route"),
            "with 5xx": f"({total(rate(of(REQUESTS, OF_CLIENTS, BROKEN), RANGE), 'method, route')} or 0 * "
            f"{total(rate(of(REQUESTS, OF_CLIENTS), RANGE), 'method, route')}) / "
            f"{total(rate(of(REQUESTS, OF_CLIENTS), RANGE), 'method, route')}",
            "half within": quantile(0.5, DURATION, OF_CLIENTS, by="method, route", over=RANGE),
            "99 % within": quantile(0.99, DURATION, OF_CLIENTS, by="method, route", over=RANGE),
        },
        "reqps",
        units={"with 5xx": "percentunit", "half within": "s", "99 % within": "s"},
        limits={"with 5xx": worse_from(BUDGET)},
        empty=NO_REQUESTS,
        wide=16,
        shows="Every route in the time that is shown; a click on a head sorts.",
        worry="about a share of 5xx in red: more than is promised.",
    ),
    lines(
        "Size of answers: 95 % below",
        {"{{route}}": f"topk(10, {quantile(0.95, 'parkingspots_http_response_size_bytes', by='route')})"},
        "bytes",
        empty=NO_REQUESTS,
        shows="The ten routes with the largest bodies, as they were sent.",
        worry="when a route grows without a change of the API: a list has lost its limit.",
    ),
)


def _quantiles(*matchers: str) -> dict[str, str]:
    return {
        name: quantile(share, DURATION, *matchers)
        for name, share in (("99 % within", 0.99), ("95 % within", 0.95), ("half within", 0.5))
    }


LATENCY = (
    lines(
        "How long searches take",
        _quantiles(*SEARCHES),
        "s",
        limits=worse_from(SEARCH),
        empty="No searches",
        alert="ParkingSpotsSearchLatencyBurns",
        shows="Searches and lists of spots, in this process: the way through the network is not in it.",
        worry="when 99 % are above the line.",
    ),
    lines(
        "How long bookings take",
        _quantiles(*BOOKINGS),
        "s",
        limits=worse_from(BOOKING),
        empty="No bookings",
        alert="ParkingSpotsBookingLatencyBurns",
        shows="Attempts to book, whatever the answer was.",
        worry="when 99 % are above the line.",
    ),
    lines(
        "The slowest routes: 99 % within",
        {"{{method}} {{route}}": f"topk(10, {quantile(0.99, DURATION, OF_CLIENTS, by='method, route')})"},
        "s",
        empty=NO_REQUESTS,
        shows="The ten slowest routes. With few requests one slow one is the whole figure.",
        worry="when a route climbs and stays there.",
    ),
)

BOARD = Board(
    name="overview",
    title="overview",
    about="Whether the service keeps what it promises, and what is short of what. For whoever is on call.",
    rows=(
        ("Are the promises kept?", PROMISES),
        ("Traffic and errors", TRAFFIC),
        ("How long it takes", LATENCY),
        ("What is full, by pod", saturation.PODS),
        ("The database, as the pods see it", saturation.DATABASE),
    ),
)
