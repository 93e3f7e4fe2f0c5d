"""When staff disabled a user.

Locks: `users` for a moment (ACCESS EXCLUSIVE, a column without a default), and nothing else beside it.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN disabled_at timestamptz")
    declare(current=4, oldest_compatible=1)


def downgrade() -> None:
    """Who was disabled stays so: `is_active` says it."""
    op.execute("ALTER TABLE users DROP COLUMN disabled_at")
    declare(current=3, oldest_compatible=1)
