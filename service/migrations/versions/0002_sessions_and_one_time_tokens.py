"""What a session knows of its client, and the tokens that are sent by mail.

Locks, in the order in which the service takes them: writers of `users` wait (SHARE ROW EXCLUSIVE, for the foreign key
of an empty table), then those of `sessions` while an index is built, then for a moment everybody (ACCESS EXCLUSIVE,
columns without a default).
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE one_time_tokens (
            id uuid DEFAULT uuidv7() NOT NULL,
            user_id uuid NOT NULL,
            purpose text NOT NULL,
            email text NOT NULL,
            digest bytea NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            CONSTRAINT pk_one_time_tokens PRIMARY KEY (id),
            CONSTRAINT fk_one_time_tokens_user_id FOREIGN KEY (user_id) REFERENCES users (id),
            CONSTRAINT uq_one_time_tokens_digest UNIQUE (digest),
            CONSTRAINT ck_one_time_tokens_purpose CHECK (purpose IN ('reset', 'verification'))
        )
    """)
    op.execute("CREATE INDEX ix_one_time_tokens_user_id ON one_time_tokens (user_id)")
    op.execute("CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at)")
    op.execute("CREATE INDEX ix_sessions_over_at ON sessions (LEAST(ended_at, expires_at))")
    op.execute("""
        ALTER TABLE sessions
            ADD COLUMN previous_token_id uuid,
            ADD COLUMN signed_in_from text,
            ADD COLUMN address text,
            ADD COLUMN user_agent text
    """)
    declare(current=2, oldest_compatible=1)


def downgrade() -> None:
    op.execute("DROP TABLE one_time_tokens")
    op.execute("DROP INDEX ix_sessions_over_at")
    op.execute("""
        ALTER TABLE sessions
            DROP COLUMN previous_token_id,
            DROP COLUMN signed_in_from,
            DROP COLUMN address,
            DROP COLUMN user_agent
    """)
    declare(current=1, oldest_compatible=1)
