"""The promises of the service, counted as the chart's recording rules count them."""

from tools.dashboards.limits import BOOKING, BUDGET, SEARCH
from tools.dashboards.queries import NAMESPACE, RANGE, of, of_all, rate, share_within, total

REQUESTS, DURATION = "parkingspots_http_requests_total", "parkingspots_http_request_duration_seconds"
OF_CLIENTS = 'route!~"/livez|/readyz|/health|/metrics"'
BROKEN = 'status=~"5.."'
SEARCHES = ('method="GET"', 'route=~"/api/v1/parking-spots/(search)?"')
BOOKINGS = ('method="POST"', 'route="/api/v1/bookings/"')
MOVING = 'step=~"cancel_lapsed|complete_past|start_due"'
"""The steps that bookings wait for."""
SLOS = {"availability": BUDGET, "search": 0.01, "booking": 0.01, "freshness": 0.01, "webhook": 0.01}
"""The share that each promise allows to be bad."""


def broken(over: str) -> str:
    """The share of requests that were answered with 5xx; a status that was never sent has no series."""
    asked = total(rate(of(REQUESTS, OF_CLIENTS), over))
    return f"({total(rate(of(REQUESTS, OF_CLIENTS, BROKEN), over))} or 0 * {asked}) / {asked}"


def kept() -> str:
    return f"1 - ({broken(RANGE)})"


def budget_left() -> str:
    return f"1 - ({broken(RANGE)}) / {BUDGET}"


def searches_in_time(over: str) -> str:
    return share_within(SEARCH, DURATION, *SEARCHES, over=over)


def bookings_in_time(over: str) -> str:
    return share_within(BOOKING, DURATION, *BOOKINGS, over=over)


def burn(window: str) -> str:
    """How many times as fast as allowed the budget of each promise is used up: the alerts' own figures."""
    recorded = f"namespace_job_slo:parkingspots_slo_errors:ratio_rate{window}"
    parts = (f'{recorded}{{{NAMESPACE},slo="{slo}"}} / {budget}' for slo, budget in SLOS.items())
    return f"max by (slo) ({' or '.join(parts)})"


def freshness() -> str:
    return f"max({of_all('parkingspots_job_last_success_age_seconds', MOVING)})"
