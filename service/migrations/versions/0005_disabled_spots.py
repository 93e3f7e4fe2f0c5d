"""When staff disabled a spot, or its owner.

Locks: `spots` for a moment (ACCESS EXCLUSIVE, columns without a default), and nothing else beside it.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE spots ADD COLUMN disabled_at timestamptz, ADD COLUMN owner_disabled_at timestamptz")
    declare(current=5, oldest_compatible=1)


def downgrade() -> None:
    """A disabled spot stays off the market: an older release takes it for a deleted one."""
    op.execute("ALTER TABLE spots DROP COLUMN disabled_at, DROP COLUMN owner_disabled_at")
    declare(current=4, oldest_compatible=1)
