"""PromQL in the words of the dashboards. Every selector keeps to the namespaces and pods that are chosen."""

from parkingspots.kit.currencies import WITH_THOUSANDTHS, WITHOUT_MINOR_UNITS

NAMESPACE = 'namespace=~"$namespace"'
POD = f'{NAMESPACE},pod=~"$pod"'
RATE, RANGE = "$__rate_interval", "$__range"
BY_POD = "pod, instance"
"""A pod's name, and on a single machine, where there is none, the address that was scraped."""
OF_POD = "{{pod}} ({{instance}})"


def of(metric: str, *matchers: str) -> str:
    """What the chosen pods show."""
    return f"{metric}{{{','.join((POD, *matchers))}}}"


def of_all(metric: str, *matchers: str) -> str:
    """What stands in the database, which every pod shows alike: whichever pods are chosen."""
    return f"{metric}{{{','.join((NAMESPACE, *matchers))}}}"


def rate(selector: str, over: str = RATE) -> str:
    return f"rate({selector}[{over}])"


def a_minute(selector: str) -> str:
    return f"60 * {rate(selector)}"


def total(expression: str, by: str = "") -> str:
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def greatest(expression: str, by: str = "") -> str:
    return f"max by ({by}) ({expression})" if by else f"max({expression})"


def increase(metric: str, *matchers: str, by: str = "", over: str = RANGE) -> str:
    """How much was counted in the time that is shown."""
    return total(f"increase({of(metric, *matchers)}[{over}])", by)


def once(expression: str) -> str:
    """What stands in the database is told by every pod: one of them is believed."""
    return f"max without (pod, instance) ({expression})"


def job_increase(metric: str, *matchers: str, by: str = "", over: str = RANGE) -> str:
    """How much of what stands in the database was counted."""
    return total(once(f"increase({of_all(metric, *matchers)}[{over}])"), by)


def job_a_minute(metric: str, *matchers: str, by: str) -> str:
    return f"60 * {total(once(rate(of_all(metric, *matchers))), by)}"


def everywhere(metric: str, *matchers: str, by: str = "", over: str = RANGE) -> str:
    """What requests and the minute job have counted; the job keeps its part in the database, under another name."""
    jobs = metric.replace("parkingspots_", "parkingspots_job_", 1)
    requests, job = increase(metric, *matchers, by=by, over=over), job_increase(jobs, *matchers, by=by, over=over)
    return total(f"{_marked(requests, 'requests')} or {_marked(job, 'job')}", by)


def _marked(expression: str, who: str) -> str:
    """So that `or` keeps both."""
    return f'label_replace({expression}, "who", "{who}", "", "")'


def quantile(share: float, histogram: str, *matchers: str, by: str = "", over: str = RATE) -> str:
    """The time, or size, that so large a share of what was measured did not exceed."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {total(rate(of(f'{histogram}_bucket', *matchers), over), labels)})"


def share_within(bound: float, histogram: str, *matchers: str, over: str = RATE) -> str:
    """The share of what was measured that took no longer; `bound` is one of the histogram's own."""
    within = total(rate(of(f"{histogram}_bucket", *matchers, f'le="{bound:g}"'), over))
    return f"{within} / {total(rate(of(f'{histogram}_count', *matchers), over))}"


def or_none(expression: str, known: str = "parkingspots_build_info") -> str:
    """Zero where nothing was counted and a pod reports; nothing where none does, as then nobody knows."""
    return f"{expression} or 0 * count({of(known)})"


def of_service(expression: str) -> str:
    """A figure that every program has, of the API's processes alone."""
    return f"{expression} and on (namespace, job, instance) {of('parkingspots_build_info')}"


def of_operator(expression: str) -> str:
    return f"{expression} and on (namespace, job, instance) {of_all('parkingspots_operator_reconcile_seconds_count')}"


def in_major_units(metric: str, over: str = RANGE) -> str:
    """An amount by currency, in euros and not in cents: yen have no parts, dinars have thousandths."""
    whole, thousandths = "|".join(sorted(WITHOUT_MINOR_UNITS)), "|".join(sorted(WITH_THOUSANDTHS))

    def counted(matcher: str) -> str:
        return everywhere(metric, matcher, by="currency", over=over)

    hundredths = counted(f'currency!~"{whole}|{thousandths}"')
    ones, thousandth = counted(f'currency=~"{whole}"'), counted(f'currency=~"{thousandths}"')
    return f"{hundredths} / 100 or {ones} or {thousandth} / 1000"
