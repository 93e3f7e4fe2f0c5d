"""Users, sessions, spots, availability and bookings.

Takes locks on new tables only.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0001"
down_revision = None

EXTENSIONS = ("btree_gist", "cube", "pg_trgm")

TEXT_FUNCTIONS = (
    r"""
    -- Without accents and case, in any script; the final sigma is a sigma.
    CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(
        lower(regexp_replace(normalize(words, NFD), '[\u0300-\u036f]', '', 'g') COLLATE pg_c_utf8), 'ς', 'σ')
    """,
    r"""
    -- The LIKE pattern of whatever holds `part`, its wildcards taken as they stand.
    CREATE FUNCTION holding(part text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '%' || replace(replace(replace(folded(part), '\', '\\'), '%', '\%'), '_', '\_') || '%'
    """,
)

ACCOUNTS = (
    """
    CREATE TABLE users (
        id uuid DEFAULT uuidv7() NOT NULL,
        email text NOT NULL,
        password_hash text NOT NULL,
        full_name text NOT NULL,
        phone_number text,
        role text NOT NULL,
        is_active boolean DEFAULT true NOT NULL,
        is_verified boolean DEFAULT false NOT NULL,
        profile_image text,
        latitude double precision,
        longitude double precision,
        deleted_at timestamptz,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT pk_users PRIMARY KEY (id),
        CONSTRAINT ck_users_role CHECK (role IN ('renter', 'owner', 'admin'))
    )
    """,
    "CREATE UNIQUE INDEX uq_users_email ON users (lower(email COLLATE pg_c_utf8))",
    """
    CREATE TABLE sessions (
        id uuid DEFAULT uuidv7() NOT NULL,
        user_id uuid NOT NULL,
        token_id uuid NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        refreshed_at timestamptz DEFAULT now() NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT pk_sessions PRIMARY KEY (id),
        CONSTRAINT fk_sessions_user_id FOREIGN KEY (user_id) REFERENCES users (id)
    )
    """,
    "CREATE INDEX ix_sessions_user_id ON sessions (user_id)",
)

SPOTS = (
    """
    CREATE TABLE spots (
        id uuid DEFAULT uuidv7() NOT NULL,
        owner_id uuid NOT NULL,
        title text NOT NULL,
        description text,
        spot_type text NOT NULL,
        vehicle_size text NOT NULL,
        address text NOT NULL,
        city text NOT NULL,
        prefecture text NOT NULL,
        zip_code text NOT NULL,
        country text NOT NULL,
        latitude double precision NOT NULL,
        longitude double precision NOT NULL,
        location cube GENERATED ALWAYS AS (cube(ARRAY[
            cos(radians(latitude)) * cos(radians(longitude)),
            cos(radians(latitude)) * sin(radians(longitude)),
            sin(radians(latitude))])) STORED NOT NULL,
        words text GENERATED ALWAYS AS (
            folded(title || ' ' || coalesce(description, '') || ' ' || address || ' ' || city)) STORED NOT NULL,
        hourly_rate bigint NOT NULL,
        daily_rate bigint,
        monthly_rate bigint,
        currency text NOT NULL,
        is_covered boolean DEFAULT false NOT NULL,
        has_ev_charging boolean DEFAULT false NOT NULL,
        has_security boolean DEFAULT false NOT NULL,
        has_lighting boolean DEFAULT false NOT NULL,
        is_handicap_accessible boolean DEFAULT false NOT NULL,
        access_instructions text,
        operating_hours jsonb,
        images text[] DEFAULT '{}' NOT NULL,
        time_zone text NOT NULL,
        is_active boolean DEFAULT true NOT NULL,
        is_available boolean DEFAULT true NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT pk_spots PRIMARY KEY (id),
        CONSTRAINT fk_spots_owner_id FOREIGN KEY (owner_id) REFERENCES users (id),
        CONSTRAINT ck_spots_spot_type
            CHECK (spot_type IN ('indoor', 'outdoor', 'covered', 'garage', 'driveway', 'lot')),
        CONSTRAINT ck_spots_vehicle_size
            CHECK (vehicle_size IN ('motorcycle', 'compact', 'standard', 'large', 'oversized')),
        CONSTRAINT ck_spots_rates CHECK (hourly_rate > 0 AND daily_rate > 0 AND monthly_rate > 0),
        CONSTRAINT ck_spots_place CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180),
        CONSTRAINT ck_spots_time_zone CHECK ((timestamptz 'epoch' AT TIME ZONE time_zone) IS NOT NULL)
    )
    """,
    # Latitude and longitude too: the planner knows how many spots lie between two, and of cubes it knows nothing.
    """
    CREATE INDEX ix_spots_location ON spots USING gist (location, latitude, longitude)
    WHERE is_active AND is_available
    """,
    "CREATE INDEX ix_spots_newest ON spots (created_at DESC, id) WHERE is_active AND is_available",
    "CREATE INDEX ix_spots_owner ON spots (owner_id, created_at DESC, id)",
    """
    CREATE INDEX ix_spots_words ON spots
    USING gin (words gin_trgm_ops, folded(city) gin_trgm_ops, folded(prefecture) gin_trgm_ops)
    WHERE is_active AND is_available
    """,
    # Without them the planner takes every city for a rare one, and sorts it whole.
    "CREATE STATISTICS st_spots_city ON folded(city) FROM spots",
    "CREATE STATISTICS st_spots_prefecture ON folded(prefecture) FROM spots",
    """
    CREATE TABLE spot_stats (
        spot_id uuid NOT NULL,
        total_bookings bigint DEFAULT 0 NOT NULL,
        total_reviews bigint DEFAULT 0 NOT NULL,
        average_rating double precision DEFAULT 0 NOT NULL,
        CONSTRAINT pk_spot_stats PRIMARY KEY (spot_id),
        CONSTRAINT fk_spot_stats_spot_id FOREIGN KEY (spot_id) REFERENCES spots (id)
    )
    """,
    """
    CREATE TABLE availability_slots (
        id uuid DEFAULT uuidv7() NOT NULL,
        spot_id uuid NOT NULL,
        day_of_week smallint,
        specific_date date,
        start_minute smallint NOT NULL,
        end_minute smallint NOT NULL,
        is_available boolean NOT NULL,
        CONSTRAINT pk_availability_slots PRIMARY KEY (id),
        CONSTRAINT fk_availability_slots_spot_id FOREIGN KEY (spot_id) REFERENCES spots (id),
        CONSTRAINT ck_availability_slots_day CHECK (num_nonnulls(day_of_week, specific_date) = 1),
        CONSTRAINT ck_availability_slots_day_of_week CHECK (day_of_week BETWEEN 0 AND 6),
        CONSTRAINT ck_availability_slots_minutes
            CHECK (0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440)
    )
    """,
    "CREATE INDEX ix_availability_slots_spot ON availability_slots (spot_id, day_of_week, specific_date)",
)

OPENING_FUNCTIONS = (
    """
    -- The instant of a wall clock's time as RFC 5545, 3.3.5 reads it: of a repeated time the first, and a skipped
    -- one by the offset before the gap. (AT TIME ZONE alone takes the second of a repeated time.)
    CREATE FUNCTION instant_of(wall timestamp, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN ((wall - interval '24 hours') AT TIME ZONE zone + interval '24 hours') AT TIME ZONE zone = wall
        THEN (wall - interval '24 hours') AT TIME ZONE zone + interval '24 hours'
        ELSE wall AT TIME ZONE zone
    END
    """,
    """
    -- From one minute of a local day to another; empty where a clock change leaves nothing of it.
    CREATE FUNCTION local_range(day date, from_minute integer, to_minute integer, zone text) RETURNS tstzrange
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT tstzrange(opens, greatest(opens, closes))
        FROM (SELECT instant_of(day + make_interval(mins => from_minute), zone) AS opens,
                     instant_of(day + make_interval(mins => to_minute), zone) AS closes OFFSET 0) AS instants)
    """,
    """
    -- The local days whose times may fall into [starts, ends): the day before, whose hours may end after midnight, and
    -- the day after, which a clock put back at midnight begins early.
    CREATE FUNCTION days_around(starts timestamptz, ends timestamptz, zone text) RETURNS SETOF date
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (starts AT TIME ZONE zone)::date + generate_series(
        -1, (ends AT TIME ZONE zone)::date - (starts AT TIME ZONE zone)::date + 1)
    """,
    """
    -- Whether operating hours allow all of [starts, ends). A close at or before the open lies on the next day; equal
    -- times mean the whole local day.
    CREATE FUNCTION hours_allow(hours jsonb, zone text, starts timestamptz, ends timestamptz) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (
        WITH days AS (
            SELECT day,
                hours -> (ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
                    [extract(isodow FROM day)::integer] AS entry
            FROM days_around(starts, ends, zone) AS day
        ), minutes AS (
            SELECT day,
                extract(epoch FROM (entry ->> 'open')::time)::integer / 60 AS opens,
                extract(epoch FROM (entry ->> 'close')::time)::integer / 60 AS closes
            FROM days WHERE jsonb_typeof(entry) = 'object'
        )
        SELECT coalesce(range_agg(CASE
            WHEN opens = closes THEN local_range(day, 0, 1440, zone)
            WHEN closes < opens THEN local_range(day, opens, closes + 1440, zone)
            ELSE local_range(day, opens, closes, zone)
        END), '{}') @> tstzrange(starts, ends)
        FROM minutes
    )
    """,
    """
    -- Whether availability slots allow all of [starts, ends). Weekly open slots, where there are any, are the only open
    -- times; weekly closed ones take away. A date with an open slot of its own ignores the weekly ones.
    CREATE FUNCTION slots_allow(spot uuid, zone text, starts timestamptz, ends timestamptz) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (
        WITH slots AS (
            SELECT * FROM availability_slots WHERE spot_id = spot AND (day_of_week IS NOT NULL
                OR specific_date BETWEEN (starts AT TIME ZONE zone)::date - 1 AND (ends AT TIME ZONE zone)::date + 1)
        ), days AS (
            SELECT day, extract(isodow FROM day)::integer - 1 AS weekday,
                EXISTS (SELECT FROM slots WHERE specific_date = day AND is_available) AS stands_alone
            FROM days_around(starts, ends, zone) AS day
        ), pieces AS (
            SELECT day, start_minute, end_minute, is_available
            FROM days JOIN slots ON specific_date = day OR (day_of_week = weekday AND NOT stands_alone)
            UNION ALL
            SELECT day, 0, 1440, true FROM days
            WHERE NOT stands_alone AND NOT EXISTS (SELECT FROM slots WHERE day_of_week IS NOT NULL AND is_available)
        )
        SELECT coalesce(range_agg(times) FILTER (WHERE is_available), '{}')
            - coalesce(range_agg(times) FILTER (WHERE NOT is_available), '{}') @> tstzrange(starts, ends)
        FROM pieces, LATERAL local_range(day, start_minute, end_minute, zone) AS times
    )
    """,
    """
    -- Whether a spot is open for all of [starts, ends). Booking and search both ask this. In PL/pgSQL for its early
    -- ends: most spots never close.
    CREATE FUNCTION open_throughout(spot uuid, hours jsonb, zone text, starts timestamptz, ends timestamptz)
    RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000 AS $$
    BEGIN
        -- A spot that closes at all mostly does so within two days: that spares most of the work for a long window.
        IF ends > starts + interval '48 hours'
            AND NOT open_throughout(spot, hours, zone, starts, starts + interval '48 hours') THEN
            RETURN false;
        END IF;
        IF hours IS NOT NULL AND NOT hours_allow(hours, zone, starts, ends) THEN
            RETURN false;
        END IF;
        IF EXISTS (SELECT FROM availability_slots WHERE spot_id = spot) THEN
            RETURN slots_allow(spot, zone, starts, ends);
        END IF;
        RETURN true;
    END
    $$
    """,
)

BOOKINGS = (
    """
    CREATE TABLE bookings (
        id uuid DEFAULT uuidv7() NOT NULL,
        spot_id uuid NOT NULL,
        user_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        start_time timestamptz NOT NULL,
        end_time timestamptz NOT NULL,
        status text NOT NULL,
        payment_status text NOT NULL,
        total_amount bigint NOT NULL,
        service_fee bigint NOT NULL,
        owner_payout bigint NOT NULL,
        currency text NOT NULL,
        vehicle_plate text,
        vehicle_make text,
        vehicle_model text,
        vehicle_color text,
        special_requests text,
        payment_intent_id text,
        cancellation_reason text,
        checked_in_at timestamptz,
        checked_out_at timestamptz,
        expires_at timestamptz,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT pk_bookings PRIMARY KEY (id),
        CONSTRAINT fk_bookings_spot_id FOREIGN KEY (spot_id) REFERENCES spots (id),
        CONSTRAINT fk_bookings_user_id FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT fk_bookings_owner_id FOREIGN KEY (owner_id) REFERENCES users (id),
        CONSTRAINT ck_bookings_status
            CHECK (status IN ('pending', 'confirmed', 'in_progress', 'completed', 'cancelled', 'refunded')),
        CONSTRAINT ck_bookings_payment_status
            CHECK (payment_status IN ('pending', 'completed', 'failed', 'refunded', 'partially_refunded')),
        CONSTRAINT ck_bookings_window CHECK (start_time < end_time),
        CONSTRAINT ck_bookings_amounts
            CHECK (total_amount = owner_payout + service_fee AND service_fee >= 0 AND owner_payout >= 0),
        CONSTRAINT ck_bookings_hold CHECK ((status = 'pending') = (expires_at IS NOT NULL)),
        CONSTRAINT ex_bookings_slot EXCLUDE USING gist (spot_id WITH =, tstzrange(start_time, end_time, '[)') WITH &&)
            WHERE (status IN ('pending', 'confirmed', 'in_progress'))
    )
    """,
    "CREATE INDEX ix_bookings_renter ON bookings (user_id, created_at DESC, id DESC)",
    "CREATE INDEX ix_bookings_owner ON bookings (owner_id, created_at DESC, id DESC)",
    "CREATE INDEX ix_bookings_to_start ON bookings (start_time, id) WHERE status = 'confirmed'",
    "CREATE INDEX ix_bookings_to_complete ON bookings (end_time, id) WHERE status IN ('confirmed', 'in_progress')",
    "CREATE INDEX ix_bookings_to_expire ON bookings (expires_at, id) WHERE status = 'pending'",
    """
    CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a booking does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bookings_lifecycle';
    END
    $$
    """,
    """
    CREATE TRIGGER bookings_lifecycle BEFORE UPDATE OF status ON bookings FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'confirmed'), ('pending', 'cancelled'),
        ('confirmed', 'in_progress'), ('confirmed', 'completed'), ('confirmed', 'cancelled'),
        ('in_progress', 'completed'), ('in_progress', 'cancelled'),
        ('completed', 'refunded')))
    EXECUTE FUNCTION refuse_transition()
    """,
)

CONTRACT = """
    CREATE TABLE schema_contract (
        one boolean DEFAULT true NOT NULL,
        current bigint NOT NULL,
        oldest_compatible bigint NOT NULL,
        CONSTRAINT pk_schema_contract PRIMARY KEY (one),
        CONSTRAINT ck_schema_contract_one CHECK (one)
    )
"""


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for statement in (*TEXT_FUNCTIONS, *ACCOUNTS, *SPOTS, *OPENING_FUNCTIONS, *BOOKINGS, CONTRACT):
        op.execute(statement)
    declare(current=1, oldest_compatible=1)


def downgrade() -> None:
    """Extensions stay: another schema of the database may use them."""
    for thing in (
        "TABLE schema_contract, bookings",
        "FUNCTION refuse_transition()",
        "FUNCTION open_throughout(uuid, jsonb, text, timestamptz, timestamptz)",
        "FUNCTION slots_allow(uuid, text, timestamptz, timestamptz)",
        "FUNCTION hours_allow(jsonb, text, timestamptz, timestamptz)",
        "FUNCTION days_around(timestamptz, timestamptz, text)",
        "FUNCTION local_range(date, integer, integer, text)",
        "FUNCTION instant_of(timestamp, text)",
        "TABLE availability_slots, spot_stats, spots, sessions, users",
        "FUNCTION holding(text)",
        "FUNCTION folded(text)",
    ):
        op.execute(f"DROP {thing}")
