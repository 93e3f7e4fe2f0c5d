"""For whoever is on call: whether the minute job keeps up, and how we and Stripe talk to each other."""

from tools.dashboards.board import Board
from tools.dashboards.limits import RED, Limits, worse_from
from tools.dashboards.panels import lines, number, rows
from tools.dashboards.promises import REQUESTS
from tools.dashboards.queries import (
    a_minute,
    everywhere,
    greatest,
    increase,
    job_a_minute,
    job_increase,
    of,
    of_all,
    quantile,
    rate,
    total,
)

AGE, BACKLOG, OVERDUE, FAILED, DURATION, DONE = (
    f"parkingspots_job_{what}"
    for what in (
        "last_success_age_seconds",
        "backlog",
        "oldest_due_age_seconds",
        "failed",
        "duration_seconds",
        "done_total",
    )
)
UNHURRIED = "purge_.+|tell_renters|check_ledger"
HURRIED, PATIENT = f'step!~"{UNHURRIED}"', f'step=~"{UNHURRIED}"'
WEBHOOK = 'route="/api/v1/payments/webhook"'
NEVER = "The minute job has never run"
EVENTS, CALLS = "parkingspots_payments_events_total", "parkingspots_stripe_calls_total"
NO_ANSWER = 'outcome=~"away|nonsense"'
NO_STRIPE = "Stripe was not asked: payments may be off"
NO_EVENTS = "No event of Stripe's: payments may be off"


def _step(metric: str, *matchers: str) -> str:
    """Out of the database, the same from every pod."""
    return greatest(of_all(metric, *matchers), "step")


JOB = (
    number(
        "Bookings and money: last success",
        greatest(of_all(AGE, HURRIED)),
        "s",
        limits=worse_from(600, 180),
        empty=NEVER,
        alert="ParkingSpotsMinuteJobIsLate",
        shows="How long ago the oldest of the steps that hurt people at once last ran without a failure.",
        worry="when it is red: bookings do not begin or end, or money is not handled.",
    ),
    number(
        "Housekeeping: last success",
        greatest(of_all(AGE, PATIENT)),
        "s",
        limits=worse_from(7200, 3600),
        empty=NEVER,
        alert="ParkingSpotsMinuteJobIsLate",
        shows="The same of what deletes, tells and compares; these may be late for hours.",
        worry="when it is red.",
    ),
    number(
        "Due and not done",
        total(_step(BACKLOG)),
        "short",
        decimals=0,
        empty="Nobody has counted yet",
        alert="ParkingSpotsJobBacklogGrows",
        shows="What the last run of all steps left behind.",
        worry="when it grows from run to run.",
    ),
    number(
        "Due for longest",
        greatest(of_all(OVERDUE)),
        "s",
        limits=worse_from(900, 300),
        empty="Nothing is due",
        alert="ParkingSpotsJobWorkIsOverdue",
        shows="Since when the oldest of what the last run left has been due.",
        worry="when it is red: a step does not get to it, or fails at it.",
    ),
    number(
        "Batches that failed",
        total(_step(FAILED)),
        "short",
        decimals=0,
        limits=worse_from(1),
        empty=NEVER,
        alert="ParkingSpotsJobStepFails",
        shows="In the last run of each step. A step that fails now and then makes up for it with its next run.",
        worry="when it stays.",
    ),
    number(
        "Steps that never succeeded",
        f"count({_step(FAILED)} unless {_step(AGE)}) or 0 * count({_step(FAILED)})",
        "short",
        decimals=0,
        limits=worse_from(1),
        empty=NEVER,
        alert="ParkingSpotsMinuteJobNeverSucceeded",
        shows="Steps that have run in the last seven days, and never without a failure.",
        worry="when there is one: after an install or an upgrade something was set up wrongly.",
    ),
    rows(
        "Steps",
        {
            "last success": _step(AGE),
            "due": _step(BACKLOG),
            "due since": _step(OVERDUE),
            "failed batches": _step(FAILED),
            "took": _step(DURATION),
            "moved": job_increase(DONE, by="step"),
        },
        "s",
        units={"due": "short", "failed batches": "short", "moved": "short"},
        limits={"due": worse_from(200), "failed batches": worse_from(1)},
        empty=NEVER,
        alert="ParkingSpotsJobStepFails",
        wide=16,
        shows="Each step's last run, and the rows that it moved in the time that is shown.",
        worry="about a step whose last success is much older than that of the others.",
    ),
    lines(
        "Rows that were moved",
        {"{{step}}": job_a_minute(DONE, by="step")},
        "suffix: a minute",
        stacked=True,
        empty="Nothing was moved yet",
        shows="By step, out of the database.",
        worry="when all is flat at a busy time.",
    ),
    lines(
        "Last success by step",
        {"{{step}}": _step(AGE)},
        "s",
        limits=Limits("green", ((600, "yellow"), (7200, RED))),
        empty=NEVER,
        alert="ParkingSpotsMinuteJobIsLate",
        shows="Each line climbs and falls back to zero with every run that succeeds.",
        worry="when bookings or money are above the lower line, or anything above the upper one.",
    ),
    lines(
        "Due and not done, by step",
        {"{{step}}": _step(BACKLOG)},
        "short",
        limits=worse_from(200),
        empty="Nobody has counted yet",
        alert="ParkingSpotsJobBacklogGrows",
        shows="After the last run. 200 is one batch: less than that is done by the next run.",
        worry="above the line, and climbing.",
    ),
    lines(
        "Duration by step",
        {"{{step}}": _step(DURATION)},
        "s",
        stacked=True,
        empty=NEVER,
        shows="How long the last run of each step took.",
        worry="when the sum nears 50 seconds, where a run is ended.",
    ),
)

STRIPE = (
    number(
        "Events that wait",
        greatest(of_all(BACKLOG, 'step="handle_events"')),
        "short",
        decimals=0,
        limits=worse_from(50),
        empty="Nobody has counted yet",
        alert="ParkingSpotsWebhookEventsWait",
        shows="What Stripe told and the minute job has yet to handle; most are handled as they arrive.",
        worry="when it is red.",
    ),
    number(
        "Oldest event that waits",
        greatest(of_all("parkingspots_payments_oldest_event_age_seconds")),
        "s",
        limits=worse_from(900, 300),
        empty="Not known: payments may be off",
        alert="ParkingSpotsWebhookEventsWait",
        shows="Since when the first of the events that wait has been waiting. The promise is five minutes.",
        worry="when it is yellow.",
    ),
    number(
        "Events given up",
        greatest(of_all("parkingspots_payments_parked_events")),
        "short",
        decimals=0,
        limits=worse_from(1),
        empty="Not known: payments may be off",
        alert="ParkingSpotsWebhookEventsParked",
        shows="Events that failed ten times, and wait for somebody.",
        worry="when there is one: it may be somebody's money.",
    ),
    number(
        "Events received",
        increase(EVENTS, 'outcome="received"'),
        "short",
        decimals=0,
        empty=NO_EVENTS,
        alert="ParkingSpotsWebhookIsSilent",
        shows="New events that Stripe told in the time that is shown.",
        worry="when it is zero while people pay.",
    ),
    number(
        "Calls of Stripe that failed",
        f"({everywhere(CALLS, NO_ANSWER)} or 0 * {everywhere(CALLS)}) / {everywhere(CALLS)}",
        "percentunit",
        decimals=1,
        limits=worse_from(0.2, 0.05),
        empty=NO_STRIPE,
        alert="ParkingSpotsStripeCallsFail",
        shows="The share to which Stripe gave no answer, or none that we understand.",
        worry="when it is red: nobody can pay. Look at Stripe's own status page.",
    ),
    number(
        "Letters that were not sent",
        everywhere("parkingspots_mail_total", 'outcome="failed"'),
        "short",
        decimals=0,
        limits=worse_from(5, 1),
        empty="No letter yet",
        alert="ParkingSpotsMailFails",
        shows="Mail to people that the mail server did not take, in the time that is shown.",
        worry="when it grows: nobody can set a new password.",
    ),
    lines(
        "Events by outcome",
        {"{{outcome}}": everywhere(EVENTS, by="outcome", over="5m")},
        "short",
        empty=NO_EVENTS,
        alert="ParkingSpotsWebhookEventsFail",
        shows="In five minutes, by pods and minute job: received, repeated (told twice), handled, failed (tried again),"
        " parked (given up).",
        worry="when failed ones go on, or handled ones stay behind received ones.",
    ),
    lines(
        "Age of events when they were handled",
        {
            name: quantile(share, "parkingspots_payments_event_age_seconds")
            for name, share in (("99 % within", 0.99), ("half within", 0.5))
        },
        "s",
        limits=worse_from(300),
        empty=NO_EVENTS,
        alert="ParkingSpotsWebhookAgeBurns",
        shows="From when something happened at Stripe until a pod had handled it.",
        worry="above the line: a renter who has paid waits for the confirmation.",
    ),
    lines(
        "What the webhook answers",
        {"{{status}}": total(a_minute(of(REQUESTS, WEBHOOK)), "status")},
        "suffix: a minute",
        empty=NO_EVENTS,
        alert="ParkingSpotsWebhookIsRefused",
        shows="To Stripe, by status. 400: the signature does not fit; 404: no secret is set.",
        worry="about 4xx that go on: the secret was changed on one side. About 5xx when they last.",
    ),
    lines(
        "Calls of Stripe",
        {"{{call}}": total(rate(of(CALLS)), "call")},
        "ops",
        stacked=True,
        empty=NO_STRIPE,
        shows="By what was asked, by the pods.",
        worry="when one grows without more payments.",
    ),
    lines(
        "Calls of Stripe that went wrong",
        {"{{call}}: {{outcome}}": total(a_minute(of(CALLS, 'outcome!="ok"')), "call, outcome")},
        "suffix: a minute",
        empty="None went wrong, or none was made",
        alert="ParkingSpotsStripeRefuses",
        shows="refused: Stripe understood and says no; away: no answer; nonsense: an answer that we do not understand.",
        worry="about away and nonsense at once, about refused ones when they repeat.",
    ),
    lines(
        "How long Stripe takes: 99 % within",
        {"{{call}}": quantile(0.99, "parkingspots_stripe_seconds", by="call")},
        "s",
        empty=NO_STRIPE,
        shows="By what was asked, by the pods.",
        worry="when it takes seconds: people look at a form that does not move.",
    ),
    lines(
        "Letters",
        {"{{outcome}}": everywhere("parkingspots_mail_total", by="outcome", over="5m")},
        "short",
        empty="No letter yet",
        wide=24,
        alert="ParkingSpotsMailFails",
        shows="In five minutes: sent, failed, or skipped where no mail server is set.",
        worry="when failed ones go on; and in production about skipped ones.",
    ),
)

BOARD = Board(
    name="lifecycle",
    title="minute job and webhooks",
    about="Whether the minute job keeps up, what Stripe tells and how it answers, and the mail.",
    rows=(("The minute job", JOB), ("Stripe and mail", STRIPE)),
)
