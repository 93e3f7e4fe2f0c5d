"""Payouts in doubt, refunds that something else has made, letters about late payments, a daily comparison that goes on.

Locks: `payments` (SHARE UPDATE EXCLUSIVE: nobody waits), then `refunds`, `payouts` and `ledger_checks`, ACCESS
EXCLUSIVE for as long as an index of `refunds` takes to build, whose rows are few: what gives back, or pays out, waits.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(  # squawk takes all revisions for one transaction
        "-- squawk-ignore constraint-missing-not-valid\n"
        "ALTER TABLE payments VALIDATE CONSTRAINT ck_payments_dispute_status"
    )
    op.execute("ALTER TABLE refunds ADD COLUMN tell_at timestamptz, ADD COLUMN tells bigint NOT NULL DEFAULT 0")
    op.execute("""
        -- squawk-ignore ban-drop-constraint
        ALTER TABLE refunds DROP CONSTRAINT ck_refunds_status,
            ADD CONSTRAINT ck_refunds_status CHECK (status IN ('pending', 'succeeded', 'cancelled'))
    """)
    op.execute("CREATE INDEX ix_refunds_to_tell ON refunds (tell_at, id) WHERE tell_at IS NOT NULL")
    # What was tried before may have been made: its outcome was not written down.
    op.execute("ALTER TABLE payouts ADD COLUMN is_in_doubt boolean NOT NULL DEFAULT false")
    op.execute("UPDATE payouts SET is_in_doubt = true WHERE status = 'pending' AND attempts > 0")
    op.execute("ALTER TABLE ledger_checks ADD COLUMN after uuid, ADD COLUMN leased_until timestamptz")
    declare(current=11, oldest_compatible=1)


def downgrade() -> None:
    op.execute("ALTER TABLE ledger_checks DROP COLUMN after, DROP COLUMN leased_until")
    op.execute("ALTER TABLE payouts DROP COLUMN is_in_doubt")
    op.execute("DELETE FROM refunds WHERE status = 'cancelled'")
    op.execute("""
        ALTER TABLE refunds DROP COLUMN tell_at, DROP COLUMN tells,
            DROP CONSTRAINT ck_refunds_status,
            ADD CONSTRAINT ck_refunds_status CHECK (status IN ('pending', 'succeeded'))
    """)
    declare(current=10, oldest_compatible=1)
