"""What a pod has too little of: time, memory, connections."""

from tools.dashboards.limits import GREEN, RED, worse_from
from tools.dashboards.panels import lines, states
from tools.dashboards.queries import BY_POD, OF_POD, of, of_service, quantile, rate, total

ON_ONE_MACHINE = "Several workers on one machine do not tell this"
LAG, POOL, STATEMENT = (
    "parkingspots_event_loop_lag_seconds",
    "parkingspots_database_pool",
    "parkingspots_database_statement_duration_seconds",
)
ANSWERS = {"1": ("answers", GREEN), "0": ("is away", RED)}

PODS = (
    lines(
        "CPU",
        {OF_POD: of_service(rate(of("process_cpu_seconds_total")))},
        "none",
        limits=worse_from(0.9),
        empty=ON_ONE_MACHINE,
        alert="ParkingSpotsCpuIsUsedUp",
        shows="Cores that each process keeps busy. A process uses one at most.",
        worry="above the line: that pod is full. More pods help, `autoscaling` makes them.",
    ),
    lines(
        "Memory",
        {OF_POD: of_service(of("process_resident_memory_bytes"))},
        "bytes",
        empty=ON_ONE_MACHINE,
        shows="What each process holds in memory.",
        worry="when it grows for days and never falls, or nears the container's limit.",
    ),
    lines(
        "Open files",
        {OF_POD: of_service(f"{of('process_open_fds')} / {of('process_max_fds')}")},
        "percentunit",
        limits=worse_from(0.8),
        empty=ON_ONE_MACHINE,
        alert="ParkingSpotsFileDescriptorsRunOut",
        shows="Files and connections that each process has open, of those that it may have.",
        worry="above the line: soon no connection is accepted any more.",
    ),
    lines(
        "Lag of the event loop: 99 % below",
        {OF_POD: quantile(0.99, LAG, by=BY_POD)},
        "s",
        limits=worse_from(0.25),
        alert="ParkingSpotsEventLoopLags",
        shows="How much later than due a process gets to its work; every request in it waits at least so long.",
        worry="above the line: something computes where it should wait, or the CPU is not enough.",
    ),
    lines(
        "Requests being worked on",
        {OF_POD: total(of("parkingspots_http_requests_in_flight"), BY_POD)},
        "none",
        shows="Requests in each pod at this moment, without those that are answered at once from what is kept.",
        worry="when it climbs while the traffic does not: they wait for something, see the pools below.",
    ),
    lines(
        "Age of the processes",
        {OF_POD: of_service(f"time() - {of('process_start_time_seconds')}")},
        "s",
        empty=ON_ONE_MACHINE,
        shows="Since when each process runs. Each fall is a start.",
        worry="when a line falls again and again without a rollout: the pod is being restarted.",
    ),
    lines(
        "Requests that wait for their turn",
        {"{{class}}, " + OF_POD: of("parkingspots_http_requests_waiting")},
        "none",
        wide=12,
        shows="Payments, Stripe's events, bookings, reads that are not at hand and others: each has a line in a pod.",
        worry="when a line does not go back to zero: more comes than the pod can do.",
    ),
    lines(
        "Requests turned away",
        {"{{class}}": total(rate(of("parkingspots_http_requests_shed_total")), "class")},
        "reqps",
        wide=12,
        alert="ParkingSpotsRequestsTurnedAway",
        shows="Requests a second that were turned away with 503 and `Retry-After`: their line was full, or their turn"
        " did not come in time.",
        worry="about bookings and payments at once, about the others when it lasts.",
    ),
)

DATABASE = (
    states(
        "Does the database answer?",
        {OF_POD: of("parkingspots_database_up")},
        words=ANSWERS,
        alert="ParkingSpotsDatabaseUnreachable",
        shows="What each pod has seen; it asks every five seconds, past its pools.",
        worry="at once when it is away for all: only what is kept is answered. For one: that pod has no way to it.",
    ),
    lines(
        "Errors of the database",
        {"{{kind}}": total(rate(of("parkingspots_database_errors_total")), "kind")},
        "reqps",
        wide=12,
        alert="ParkingSpotsDatabaseErrors",
        shows="Requests that failed for the database: unreachable, contention (locks), timeout, busy (no connection was"
        " free) or unexpected.",
        worry="about unexpected ones always, about the others when they last.",
    ),
    lines(
        "Connections in use",
        {"{{pool}}, " + OF_POD: f"{of(f'{POOL}_in_use')} / {of(f'{POOL}_size')}"},
        "percentunit",
        limits=worse_from(0.9),
        alert="ParkingSpotsDatabasePoolExhausted",
        shows="Of the connections that each pool may have, those at work.",
        worry="when it stays above the line: requests begin to wait.",
    ),
    lines(
        "Requests that wait for a connection",
        {"{{pool}}, " + OF_POD: of(f"{POOL}_waiting")},
        "none",
        shows="At this moment, by pool and pod.",
        worry="when it does not go back to zero.",
    ),
    lines(
        "Wait for a connection: 99 % within",
        {
            "{{pool}}": quantile(0.99, f"{POOL}_wait_seconds", by="pool"),
            "gave up a second: {{pool}}": total(rate(of(f"{POOL}_timeouts_total")), "pool"),
        },
        "s",
        shows="How long requests waited for a connection, and how many a second gave up.",
        worry="when waiting takes longer than the statements, or any request gives up.",
    ),
    lines(
        "Statements: 99 % within",
        {"{{function}}": f"topk(10, {quantile(0.99, STATEMENT, by='function')})"},
        "s",
        limits=worse_from(1),
        wide=12,
        alert="ParkingSpotsStatementsAreSlow",
        shows="The ten slowest functions of the repositories, with the way to the database and back.",
        worry="when one climbs: its plan has changed, or it waits for locks.",
    ),
    lines(
        "Statements a second",
        {"{{function}}": f"topk(10, {total(rate(of(f'{STATEMENT}_count')), 'function')})"},
        "ops",
        stacked=True,
        wide=12,
        shows="The ten functions of the repositories that are called most often.",
        worry="when one grows faster than the traffic: something is no longer kept, or a loop has lost its end.",
    ),
)
