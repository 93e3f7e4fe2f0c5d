"""All groups of checks, in the order in which they are told."""

from parkingspots.doctor import (
    cache,
    cluster,
    configuration,
    connections,
    database,
    job,
    machine,
    mail,
    payments,
    schema,
    server,
    sessions,
)

GROUPS = (
    machine.GROUP,
    configuration.GROUP,
    database.GROUP,
    sessions.GROUP,
    connections.GROUP,
    server.GROUP,
    schema.GROUP,
    cache.GROUP,
    payments.GROUP,
    mail.GROUP,
    job.GROUP,
    cluster.GROUP,
)
NAMES = tuple(group.name for group in GROUPS)
