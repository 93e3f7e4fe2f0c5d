"""Slots of a day that touch each other are one before clocks are asked: a spot may have a hundred.

Each end of each slot was turned into an instant for each day of a window, so that a search for a month at a place of
many such spots took seconds. On days of 24 hours slots are put together by their minutes first, which comes to the
same; where a clock changes, each stays by itself, as a time that is skipped or repeated ends it otherwise.

Locks: none that anybody waits for; the function is replaced in place.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0016"
down_revision = "0015"

PLAIN = ", (day + 1)::timestamp AT TIME ZONE zone - day::timestamp AT TIME ZONE zone = interval '24 hours' AS is_plain"
APART = "pieces"
TOGETHER = """(
    SELECT day, start_minute, end_minute, is_available FROM pieces WHERE NOT is_plain
    UNION ALL
    SELECT day, lower(minutes), upper(minutes), is_available FROM (
        SELECT day, is_available, unnest(range_agg(int4range(start_minute, end_minute))) AS minutes
        FROM pieces WHERE is_plain GROUP BY day, is_available
    ) AS spans
)"""


def upgrade() -> None:
    op.execute(_function(TOGETHER, of_day=PLAIN, is_plain=", is_plain"))
    declare(current=16, oldest_compatible=1)


def downgrade() -> None:
    op.execute(_function(APART))
    declare(current=15, oldest_compatible=1)


def _function(parts: str, of_day: str = "", is_plain: str = "") -> str:
    return f"""
        -- Whether availability slots allow all of [starts, ends). Weekly open slots, where there are any, are the only
        -- open times; weekly closed ones take away. A date with an open slot of its own ignores the weekly ones.
        CREATE OR REPLACE FUNCTION slots_allow(spot uuid, zone text, starts timestamptz, ends timestamptz)
        RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE
        RETURN (
            WITH slots AS (
                SELECT * FROM availability_slots WHERE spot_id = spot AND (day_of_week IS NOT NULL OR specific_date
                    BETWEEN (starts AT TIME ZONE zone)::date - 1 AND (ends AT TIME ZONE zone)::date + 1)
            ), days AS (
                SELECT day, extract(isodow FROM day)::integer - 1 AS weekday,
                    EXISTS (SELECT FROM slots WHERE specific_date = day AND is_available) AS stands_alone {of_day}
                FROM days_around(starts, ends, zone) AS day
            ), pieces AS (
                SELECT day, start_minute, end_minute, is_available {is_plain}
                FROM days JOIN slots ON specific_date = day OR (day_of_week = weekday AND NOT stands_alone)
                UNION ALL
                SELECT day, 0, 1440, true {is_plain} FROM days
                WHERE NOT stands_alone AND NOT EXISTS (SELECT FROM slots WHERE day_of_week IS NOT NULL AND is_available)
            )
            SELECT coalesce(range_agg(times) FILTER (WHERE is_available), '{{}}')
                - coalesce(range_agg(times) FILTER (WHERE NOT is_available), '{{}}') @> tstzrange(starts, ends)
            FROM {parts} AS parts, LATERAL local_range(day, start_minute, end_minute, zone) AS times
        )
    """  # noqa: S608 - our own words
