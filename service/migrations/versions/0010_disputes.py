"""Disputes by themselves, of which a payment may have several.

Locks: `payments`, ACCESS EXCLUSIVE for as long as an index of it takes to build: what pays, is paid, or cancels what
was paid waits. What the constraint says of old rows is looked at in the next revision, which keeps nobody waiting.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0010"
down_revision = "0009"

STATUSES = "'inquiry', 'open', 'won', 'lost', 'closed'"


def upgrade() -> None:
    op.execute(f"""
        -- squawk-ignore ban-drop-constraint
        ALTER TABLE payments DROP CONSTRAINT ck_payments_dispute_status,
            ADD CONSTRAINT ck_payments_dispute_status CHECK (dispute_status IN ({STATUSES})) NOT VALID
    """)
    op.execute("CREATE INDEX ix_payments_updated_at ON payments (updated_at, id)")
    op.execute(f"""
        CREATE TABLE disputes (
            id text NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            payment_id uuid NOT NULL,
            amount bigint NOT NULL,
            status text NOT NULL,
            CONSTRAINT pk_disputes PRIMARY KEY (id),
            CONSTRAINT fk_disputes_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
            CONSTRAINT ck_disputes_status CHECK (status IN ({STATUSES}))
        )
    """)
    op.execute("CREATE INDEX ix_disputes_payment_id ON disputes (payment_id)")
    op.execute("""
        INSERT INTO disputes (id, payment_id, amount, status)
        SELECT dispute_id, id, coalesce(
            (SELECT amount FROM ledger_entries WHERE cause = 'dispute:' || dispute_id AND account = 'disputed'),
            payments.amount
        ), dispute_status
        FROM payments WHERE dispute_id IS NOT NULL
    """)
    declare(current=10, oldest_compatible=1)


def downgrade() -> None:
    op.execute("DROP TABLE disputes")
    op.execute("DROP INDEX ix_payments_updated_at")
    op.execute("""
        UPDATE payments SET dispute_status = CASE dispute_status WHEN 'inquiry' THEN 'open' ELSE 'won' END
        WHERE dispute_status IN ('inquiry', 'closed')
    """)
    op.execute("""
        ALTER TABLE payments DROP CONSTRAINT ck_payments_dispute_status,
            ADD CONSTRAINT ck_payments_dispute_status CHECK (dispute_status IN ('open', 'won', 'lost')) NOT VALID
    """)
    declare(current=9, oldest_compatible=1)
