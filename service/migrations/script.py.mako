"""${message}

Expand or contract, never both; say which locks the statements take.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    op.execute("")
    declare(current=${int(up_revision)}, oldest_compatible=${int(down_revision or up_revision)})


def downgrade() -> None:
    op.execute("")
    declare(current=${int(down_revision or 0)}, oldest_compatible=${int(down_revision or 0)})
