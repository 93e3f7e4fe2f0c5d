"""What each run of the minute job did, step by step.

Locks: none that anybody waits for; `job_runs` is new.
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE job_runs (
            id bigint GENERATED ALWAYS AS IDENTITY,
            run_id uuid NOT NULL,
            step text NOT NULL,
            started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
            ended_at timestamptz,
            claimed bigint DEFAULT 0 NOT NULL,
            done bigint DEFAULT 0 NOT NULL,
            failed bigint DEFAULT 0 NOT NULL,
            error text,
            backlog bigint,
            oldest_due timestamptz,
            CONSTRAINT pk_job_runs PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX ix_job_runs_step ON job_runs (step, started_at DESC)")
    op.execute("CREATE INDEX ix_job_runs_started_at ON job_runs (started_at)")
    declare(current=12, oldest_compatible=1)


def downgrade() -> None:
    op.execute("DROP TABLE job_runs")
    declare(current=11, oldest_compatible=1)
