"""Payments: what was taken, given back and paid out, Stripe's events, and a ledger of all of it.

Locks: `users`, then `spots`, then `bookings`, each for a moment (ACCESS EXCLUSIVE on the latter two, whose new columns
are not written to any row; SHARE ROW EXCLUSIVE on `users`, to which new tables refer). What their constraints say of
old rows is looked at in the next revision, which keeps nobody waiting.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0008"
down_revision = "0007"

POLICIES = "cancellation_policy IN ('flexible', 'moderate', 'strict')"
TABLES = (
    """
    CREATE TABLE refunds_due (
        booking_id uuid NOT NULL,
        amount bigint NOT NULL,
        CONSTRAINT pk_refunds_due PRIMARY KEY (booking_id),
        CONSTRAINT fk_refunds_due_booking_id FOREIGN KEY (booking_id) REFERENCES bookings (id)
    )
    """,
    """
    CREATE TABLE payments (
        id uuid DEFAULT uuidv7() NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        booking_id uuid NOT NULL,
        payer_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        amount bigint NOT NULL,
        owner_amount bigint NOT NULL,
        currency text NOT NULL,
        status text NOT NULL,
        intent_id text,
        charge_id text,
        payment_method text,
        card_brand text,
        last_four text,
        failure text,
        paid_at timestamptz,
        refunded_amount bigint DEFAULT 0 NOT NULL,
        dispute_id text,
        dispute_status text,
        look_at timestamptz,
        looks bigint DEFAULT 0 NOT NULL,
        CONSTRAINT pk_payments PRIMARY KEY (id),
        CONSTRAINT fk_payments_booking_id FOREIGN KEY (booking_id) REFERENCES bookings (id),
        CONSTRAINT fk_payments_payer_id FOREIGN KEY (payer_id) REFERENCES users (id),
        CONSTRAINT fk_payments_owner_id FOREIGN KEY (owner_id) REFERENCES users (id),
        CONSTRAINT uq_payments_booking_id UNIQUE (booking_id),
        CONSTRAINT uq_payments_intent_id UNIQUE (intent_id),
        CONSTRAINT ck_payments_status
            CHECK (status IN ('pending', 'completed', 'failed', 'refunded', 'partially_refunded')),
        CONSTRAINT ck_payments_dispute_status CHECK (dispute_status IN ('open', 'won', 'lost')),
        CONSTRAINT ck_payments_amounts CHECK (
            0 <= owner_amount AND owner_amount <= amount AND 0 <= refunded_amount AND refunded_amount <= amount
        )
    )
    """,
    "CREATE INDEX ix_payments_payer ON payments (payer_id, created_at DESC, id DESC)",
    "CREATE INDEX ix_payments_to_look_at ON payments (look_at, id) WHERE look_at IS NOT NULL",
    """
    CREATE TABLE refunds (
        id uuid DEFAULT uuidv7() NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        payment_id uuid NOT NULL,
        cause text NOT NULL,
        amount bigint NOT NULL,
        owner_amount bigint NOT NULL,
        reason text,
        status text NOT NULL,
        stripe_id text,
        refunded_at timestamptz,
        refusals bigint DEFAULT 0 NOT NULL,
        failure text,
        reversal_amount bigint DEFAULT 0 NOT NULL,
        reversal_id text,
        act_at timestamptz,
        attempts bigint DEFAULT 0 NOT NULL,
        CONSTRAINT pk_refunds PRIMARY KEY (id),
        CONSTRAINT fk_refunds_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
        CONSTRAINT uq_refunds_payment_id_cause UNIQUE (payment_id, cause),
        CONSTRAINT uq_refunds_stripe_id UNIQUE (stripe_id),
        CONSTRAINT ck_refunds_status CHECK (status IN ('pending', 'succeeded')),
        CONSTRAINT ck_refunds_amounts CHECK (0 < amount AND 0 <= owner_amount AND owner_amount <= amount)
    )
    """,
    "CREATE INDEX ix_refunds_to_act_on ON refunds (act_at, id) WHERE act_at IS NOT NULL",
    """
    CREATE TABLE payouts (
        id uuid DEFAULT uuidv7() NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        payment_id uuid NOT NULL,
        booking_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        amount bigint NOT NULL,
        currency text NOT NULL,
        status text NOT NULL,
        transfer_id text,
        processed_at timestamptz,
        reversed_amount bigint DEFAULT 0 NOT NULL,
        refusals bigint DEFAULT 0 NOT NULL,
        failure text,
        act_at timestamptz,
        attempts bigint DEFAULT 0 NOT NULL,
        CONSTRAINT pk_payouts PRIMARY KEY (id),
        CONSTRAINT fk_payouts_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
        CONSTRAINT fk_payouts_booking_id FOREIGN KEY (booking_id) REFERENCES bookings (id),
        CONSTRAINT fk_payouts_owner_id FOREIGN KEY (owner_id) REFERENCES users (id),
        CONSTRAINT uq_payouts_payment_id UNIQUE (payment_id),
        CONSTRAINT uq_payouts_transfer_id UNIQUE (transfer_id),
        CONSTRAINT ck_payouts_status CHECK (status IN ('pending', 'paid', 'reversed', 'cancelled')),
        CONSTRAINT ck_payouts_amounts CHECK (0 <= amount AND 0 <= reversed_amount AND reversed_amount <= amount)
    )
    """,
    "CREATE INDEX ix_payouts_owner ON payouts (owner_id, created_at DESC, id DESC)",
    "CREATE INDEX ix_payouts_to_act_on ON payouts (act_at, id) WHERE act_at IS NOT NULL",
    """
    CREATE TABLE connected_accounts (
        owner_id uuid NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        account_id text,
        country text NOT NULL,
        business_type text NOT NULL,
        takes_payouts boolean DEFAULT false NOT NULL,
        CONSTRAINT pk_connected_accounts PRIMARY KEY (owner_id),
        CONSTRAINT fk_connected_accounts_owner_id FOREIGN KEY (owner_id) REFERENCES users (id),
        CONSTRAINT uq_connected_accounts_account_id UNIQUE (account_id)
    )
    """,
    """
    CREATE TABLE stripe_events (
        id text NOT NULL,
        kind text NOT NULL,
        subject_id text,
        created timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        handled_at timestamptz,
        parked_at timestamptz,
        act_at timestamptz,
        attempts bigint DEFAULT 0 NOT NULL,
        failure text,
        CONSTRAINT pk_stripe_events PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_stripe_events_to_act_on ON stripe_events (act_at, id) WHERE act_at IS NOT NULL",
    "CREATE INDEX ix_stripe_events_parked ON stripe_events (parked_at) WHERE parked_at IS NOT NULL",
    "CREATE INDEX ix_stripe_events_received_at ON stripe_events (received_at)",
    """
    CREATE TABLE ledger_entries (
        id bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz DEFAULT now() NOT NULL,
        cause text NOT NULL,
        account text NOT NULL,
        amount bigint NOT NULL,
        currency text NOT NULL,
        payment_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        CONSTRAINT pk_ledger_entries PRIMARY KEY (id),
        CONSTRAINT fk_ledger_entries_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
        CONSTRAINT uq_ledger_entries_cause_account UNIQUE (cause, account),
        CONSTRAINT ck_ledger_entries_account CHECK (account IN ('stripe', 'owner', 'platform', 'disputed')),
        CONSTRAINT ck_ledger_entries_amount CHECK (amount <> 0)
    )
    """,
    "CREATE INDEX ix_ledger_entries_payment_id ON ledger_entries (payment_id)",
    "CREATE INDEX ix_ledger_entries_owner ON ledger_entries (owner_id, at) WHERE account = 'owner'",
    """
    CREATE TABLE ledger_checks (
        day date NOT NULL,
        began_at timestamptz NOT NULL,
        ended_at timestamptz,
        payments bigint DEFAULT 0 NOT NULL,
        differences bigint DEFAULT 0 NOT NULL,
        CONSTRAINT pk_ledger_checks PRIMARY KEY (day)
    )
    """,
    """
    CREATE FUNCTION require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT sum(amount) <> 0 OR count(DISTINCT (currency, payment_id)) <> 1
            FROM ledger_entries WHERE cause = NEW.cause) THEN
            RAISE EXCEPTION 'the entries of % do not add up to zero', NEW.cause USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balance()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)
NAMES = (
    "ledger_checks",
    "ledger_entries",
    "stripe_events",
    "connected_accounts",
    "payouts",
    "refunds",
    "payments",
    "refunds_due",
)


def upgrade() -> None:
    op.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
    op.execute(f"""
        ALTER TABLE spots ADD COLUMN cancellation_policy text NOT NULL DEFAULT 'flexible',
            ADD CONSTRAINT ck_spots_cancellation_policy CHECK ({POLICIES}) NOT VALID
    """)
    op.execute(f"""
        ALTER TABLE bookings ADD COLUMN cancellation_policy text NOT NULL DEFAULT 'flexible',
            ADD COLUMN refund_amount bigint,
            ADD COLUMN receipt jsonb,
            ADD CONSTRAINT ck_bookings_cancellation_policy CHECK ({POLICIES}) NOT VALID,
            ADD CONSTRAINT ck_bookings_refund_amount CHECK (refund_amount BETWEEN 0 AND total_amount) NOT VALID
    """)
    for statement in TABLES:
        op.execute(statement)
    declare(current=8, oldest_compatible=1)


def downgrade() -> None:
    """What was paid stands in Stripe; this forgets it here."""
    op.execute(f"DROP TABLE {', '.join(NAMES)}")
    op.execute("DROP FUNCTION require_balance()")
    op.execute("ALTER TABLE spots DROP COLUMN cancellation_policy")
    op.execute("""
        ALTER TABLE bookings DROP COLUMN cancellation_policy, DROP COLUMN refund_amount, DROP COLUMN receipt
    """)
    declare(current=7, oldest_compatible=1)
