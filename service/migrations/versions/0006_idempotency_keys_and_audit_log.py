"""Answers kept for repeated requests, and the log of what staff did.

Locks: writers of `users` wait for a moment (SHARE ROW EXCLUSIVE, for the foreign keys of two empty tables).
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE idempotency_keys (
            user_id uuid NOT NULL,
            route text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            status smallint NOT NULL,
            body bytea NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, route, key),
            CONSTRAINT fk_idempotency_keys_user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
    """)
    op.execute("CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)")
    op.execute("""
        CREATE TABLE audit_log (
            id uuid DEFAULT uuidv7() NOT NULL,
            at timestamptz DEFAULT now() NOT NULL,
            actor_id uuid,
            action text NOT NULL,
            subject text NOT NULL,
            subject_id uuid NOT NULL,
            reason text,
            details jsonb DEFAULT '{}' NOT NULL,
            CONSTRAINT pk_audit_log PRIMARY KEY (id),
            CONSTRAINT fk_audit_log_actor_id FOREIGN KEY (actor_id) REFERENCES users (id)
        )
    """)
    op.execute("CREATE INDEX ix_audit_log_subject_id ON audit_log (subject_id, id DESC)")
    op.execute("CREATE INDEX ix_audit_log_actor_id ON audit_log (actor_id, id DESC)")
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% takes new rows only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    declare(current=6, oldest_compatible=1)


def downgrade() -> None:
    op.execute("DROP TABLE audit_log, idempotency_keys")
    op.execute("DROP FUNCTION refuse_change()")
    declare(current=5, oldest_compatible=1)
