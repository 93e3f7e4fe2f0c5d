"""Spots whose counters move in one statement are one change, and not one for each.

Every process reads all that changed before it answers a write of its own: beside a minute job that makes up for a
million bookings, a booking waited longer for that than for anything else. A release that does not know the column
takes such a change for one of everything.

Locks: `changes` (ACCESS EXCLUSIVE) for a moment; on the way back `spot_stats` before it (SHARE ROW EXCLUSIVE), so that
nothing is counted between the two.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0015"
down_revision = "0014"

LISTED = """(old_rows.total_reviews, old_rows.average_rating)
    IS DISTINCT FROM (new_rows.total_reviews, new_rows.average_rating)"""
BEFORE = f"""
    INSERT INTO changes (kind, subject_id, latitude, longitude, born)
    SELECT CASE WHEN {LISTED} THEN 'listing' ELSE 'page' END, spots.id, latitude, longitude, spots.created_at
    FROM old_rows JOIN new_rows USING (spot_id) JOIN spots ON spots.id = spot_id
    WHERE old_rows IS DISTINCT FROM new_rows;
"""  # noqa: S608 - our own words
MANY = 500
"""Spots of a change, at most."""
NOW = f"""
    INSERT INTO changes (kind, subject_id, latitude, longitude, born)
    SELECT 'listing', spots.id, latitude, longitude, spots.created_at
    FROM old_rows JOIN new_rows USING (spot_id) JOIN spots ON spots.id = spot_id
    WHERE {LISTED};
    INSERT INTO changes (kind, subject_id, subjects)
    SELECT CASE WHEN cardinality(ids) = 1 THEN 'page' ELSE 'everything' END,
        CASE WHEN cardinality(ids) = 1 THEN ids[1] END,
        CASE WHEN cardinality(ids) > 1 THEN ids END
    FROM (
        SELECT array_agg(spot_id) AS ids FROM (
            SELECT spot_id, row_number() OVER () - 1 AS number FROM old_rows JOIN new_rows USING (spot_id)
            WHERE old_rows IS DISTINCT FROM new_rows AND NOT {LISTED}
        ) AS counted GROUP BY number / {MANY}
    ) AS parts;
"""  # noqa: S608 - our own words


def upgrade() -> None:
    op.execute("ALTER TABLE changes ADD COLUMN subjects uuid[]")
    op.execute(_function(NOW))
    declare(current=15, oldest_compatible=1)


def downgrade() -> None:
    op.execute("LOCK TABLE spot_stats IN SHARE ROW EXCLUSIVE MODE")
    op.execute(_function(BEFORE))
    op.execute("ALTER TABLE changes DROP COLUMN subjects")
    declare(current=14, oldest_compatible=1)


def _function(statements: str) -> str:
    return f"""
        CREATE OR REPLACE FUNCTION log_counters() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            {statements}
            RETURN NULL;
        END $$
    """
