"""What the constraints of the last revision say holds for the rows from before it, too.

Locks: `spots` and `bookings` (SHARE UPDATE EXCLUSIVE: nobody who reads or writes waits).
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0009"
down_revision = "0008"

CONSTRAINTS = (
    ("spots", "ck_spots_cancellation_policy"),
    ("bookings", "ck_bookings_cancellation_policy"),
    ("bookings", "ck_bookings_refund_amount"),
)


def upgrade() -> None:
    for table, constraint in CONSTRAINTS:  # squawk takes all revisions for one transaction
        op.execute(
            f"-- squawk-ignore constraint-missing-not-valid\nALTER TABLE {table} VALIDATE CONSTRAINT {constraint}"
        )
    declare(current=9, oldest_compatible=1)


def downgrade() -> None:
    """A constraint that was looked at may stay so."""
    declare(current=8, oldest_compatible=1)
