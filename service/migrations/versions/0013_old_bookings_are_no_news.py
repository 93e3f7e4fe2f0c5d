"""A booking that was over two hours ago is no news: searches for times that have gone by are not kept.

So the minute job that makes up for hours, or for a million bookings, does not drown what every process follows.

Locks: none that anybody waits for.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0013"
down_revision = "0012"

NEWS = "AND greatest(old_rows.end_time, new_rows.end_time) > now() - interval '2 hours'"


def upgrade() -> None:
    op.execute(_function(NEWS))
    declare(current=13, oldest_compatible=1)


def downgrade() -> None:
    op.execute(_function(""))
    declare(current=12, oldest_compatible=1)


def _function(only: str) -> str:
    return f"""
        CREATE OR REPLACE FUNCTION log_changed_bookings() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO changes (kind, subject_id, latitude, longitude, born, starts, ends)
            SELECT 'booking', spots.id, latitude, longitude, spots.created_at,
                least(old_rows.start_time, new_rows.start_time), greatest(old_rows.end_time, new_rows.end_time)
            FROM old_rows JOIN new_rows USING (id) JOIN spots ON spots.id = new_rows.spot_id
            WHERE (old_rows.start_time, old_rows.end_time, old_rows.status IN ('pending', 'confirmed', 'in_progress'))
                IS DISTINCT FROM
                (new_rows.start_time, new_rows.end_time, new_rows.status IN ('pending', 'confirmed', 'in_progress'))
                {only};
            RETURN NULL;
        END $$
    """  # noqa: S608 - our own words
