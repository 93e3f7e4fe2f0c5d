"""The log of what changed, which keeps every cache true: written by triggers, so that no writer can forget it.

Locks: each table that gets a trigger, for a moment (SHARE ROW EXCLUSIVE; ACCESS EXCLUSIVE on the way back), in the
order in which writers take them; `changes` is new.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0007"
down_revision = "0006"

TABLE = (
    """
    CREATE TABLE changes (
        id bigint GENERATED ALWAYS AS IDENTITY,
        xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
        at timestamptz DEFAULT clock_timestamp() NOT NULL,
        kind text NOT NULL,
        subject_id uuid,
        latitude double precision,
        longitude double precision,
        born timestamptz,
        starts timestamptz,
        ends timestamptz,
        CONSTRAINT pk_changes PRIMARY KEY (id),
        CONSTRAINT ck_changes_kind
            CHECK (kind IN ('everything', 'listing', 'page', 'opening', 'booking', 'reviews', 'user'))
    )
    """,
    "CREATE INDEX ix_changes_xid ON changes (xid)",
    "CREATE INDEX ix_changes_at ON changes (at)",
)

# Whoever changes a booking or the counters of a spot logs where it lies, and does not lock it: so a spot moves when
# they have committed, and they go on when it has moved. Locks as everywhere: spot, bookings, counters.
MOVED = """SELECT id FROM old_rows JOIN new_rows USING (id)
    WHERE (old_rows.latitude, old_rows.longitude) IS DISTINCT FROM (new_rows.latitude, new_rows.longitude)"""
# (function, its statement over the transition tables, [(trigger, event, on, referencing)])
NEW, OLD = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
ADDED, REMOVED = "NEW TABLE AS changed_rows", "OLD TABLE AS changed_rows"
LOGS = (
    (
        "log_spots",
        """INSERT INTO changes (kind, subject_id, latitude, longitude, born)
           SELECT 'listing', id, latitude, longitude, created_at FROM changed_rows""",
        [("INSERT", "spots", ADDED), ("DELETE", "spots", REMOVED)],
    ),
    (
        "log_changed_spots",
        f"""PERFORM FROM bookings WHERE spot_id IN ({MOVED}) AND status IN ('pending', 'confirmed', 'in_progress')
               ORDER BY id FOR SHARE;
           PERFORM FROM spot_stats WHERE spot_id IN ({MOVED}) ORDER BY spot_id FOR SHARE;
           INSERT INTO changes (kind, subject_id, latitude, longitude, born)
           SELECT 'listing', id, latitude, longitude, created_at FROM old_rows
           UNION
           SELECT 'listing', id, latitude, longitude, created_at FROM new_rows""",  # noqa: S608 - our own names
        [("UPDATE", "spots", f"{OLD} {NEW}")],
    ),
    (
        "log_opening",
        """INSERT INTO changes (kind, subject_id, latitude, longitude, born)
           SELECT DISTINCT 'opening', spots.id, latitude, longitude, spots.created_at
           FROM changed_rows JOIN spots ON spots.id = changed_rows.spot_id""",
        [
            ("INSERT", "availability_slots", ADDED),
            ("UPDATE", "availability_slots", ADDED),
            ("DELETE", "availability_slots", REMOVED),
        ],
    ),
    (
        "log_counters",
        """INSERT INTO changes (kind, subject_id, latitude, longitude, born)
           SELECT CASE WHEN (old_rows.total_reviews, old_rows.average_rating)
                       IS DISTINCT FROM (new_rows.total_reviews, new_rows.average_rating)
                  THEN 'listing' ELSE 'page' END, spots.id, latitude, longitude, spots.created_at
           FROM old_rows JOIN new_rows USING (spot_id) JOIN spots ON spots.id = spot_id
           WHERE old_rows IS DISTINCT FROM new_rows""",
        [("UPDATE", "spot_stats", f"{OLD} {NEW}")],
    ),
    (
        "log_bookings",
        """INSERT INTO changes (kind, subject_id, latitude, longitude, born, starts, ends)
           SELECT 'booking', spots.id, latitude, longitude, spots.created_at, start_time, end_time
           FROM changed_rows JOIN spots ON spots.id = spot_id
           WHERE status IN ('pending', 'confirmed', 'in_progress')""",
        [("INSERT", "bookings", ADDED), ("DELETE", "bookings", REMOVED)],
    ),
    (
        "log_changed_bookings",
        """INSERT INTO changes (kind, subject_id, latitude, longitude, born, starts, ends)
           SELECT 'booking', spots.id, latitude, longitude, spots.created_at,
               least(old_rows.start_time, new_rows.start_time), greatest(old_rows.end_time, new_rows.end_time)
           FROM old_rows JOIN new_rows USING (id) JOIN spots ON spots.id = new_rows.spot_id
           WHERE (old_rows.start_time, old_rows.end_time, old_rows.status IN ('pending', 'confirmed', 'in_progress'))
               IS DISTINCT FROM
               (new_rows.start_time, new_rows.end_time, new_rows.status IN ('pending', 'confirmed', 'in_progress'))""",
        [("UPDATE", "bookings", f"{OLD} {NEW}")],
    ),
    (
        "log_reviews",
        """INSERT INTO changes (kind, subject_id) SELECT DISTINCT 'reviews', spot_id FROM changed_rows""",
        [
            ("INSERT", "reviews", ADDED),
            ("UPDATE", "reviews", ADDED),
            ("DELETE", "reviews", REMOVED),
        ],
    ),
    (
        "log_profiles",
        """INSERT INTO changes (kind, subject_id)
           SELECT 'user', id FROM old_rows JOIN new_rows USING (id)
           WHERE (old_rows.full_name, old_rows.profile_image)
                 IS DISTINCT FROM (new_rows.full_name, new_rows.profile_image)""",
        [("UPDATE", "users", f"{OLD} {NEW}")],
    ),
)


WRITTEN = "users, spots, availability_slots, bookings, spot_stats, reviews"


def upgrade() -> None:
    op.execute(f"LOCK TABLE {WRITTEN} IN SHARE ROW EXCLUSIVE MODE")
    for statement in TABLE:
        op.execute(statement)
    for function, statement, triggers in LOGS:
        op.execute(f"""
            CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                {statement};
                RETURN NULL;
            END $$
        """)
        for event, table, rows in triggers:
            op.execute(f"""
                CREATE TRIGGER log_{event.lower()} AFTER {event} ON {table}
                REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION {function}()
            """)
    op.execute("""
        CREATE FUNCTION log_truncation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO changes (kind) VALUES ('everything');
            RETURN NULL;
        END $$
    """)
    for table in WRITTEN.split(", "):
        op.execute(f"""
            CREATE TRIGGER log_truncation AFTER TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION log_truncation()
        """)
    declare(current=7, oldest_compatible=1)


def downgrade() -> None:
    op.execute(f"LOCK TABLE {WRITTEN} IN ACCESS EXCLUSIVE MODE")
    for function, _, triggers in reversed(LOGS):
        for event, table, _ in triggers:
            op.execute(f"DROP TRIGGER log_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    for table in WRITTEN.split(", "):
        op.execute(f"DROP TRIGGER log_truncation ON {table}")
    op.execute("DROP FUNCTION log_truncation()")
    op.execute("DROP TABLE changes")
    declare(current=6, oldest_compatible=1)
