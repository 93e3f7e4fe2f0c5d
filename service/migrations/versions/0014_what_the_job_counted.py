"""What the minute job has counted, ever: its process ends before Prometheus would ask it.

Locks: none that anybody waits for; `job_counts` is new.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE job_counts (
            counter text NOT NULL,
            labels jsonb NOT NULL,
            value double precision NOT NULL,
            CONSTRAINT pk_job_counts PRIMARY KEY (counter, labels)
        )
    """)
    declare(current=14, oldest_compatible=1)


def downgrade() -> None:
    op.execute("DROP TABLE job_counts")
    declare(current=13, oldest_compatible=1)
