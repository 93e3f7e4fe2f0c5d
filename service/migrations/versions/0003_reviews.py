"""Reviews, and who found them helpful.

Locks: writers of `bookings`, `spots` and `users` wait for a moment (SHARE ROW EXCLUSIVE, for the foreign keys of two
empty tables).
"""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reviews (
            id uuid DEFAULT uuidv7() NOT NULL,
            booking_id uuid NOT NULL,
            spot_id uuid NOT NULL,
            reviewer_id uuid NOT NULL,
            overall_rating smallint NOT NULL,
            cleanliness_rating smallint,
            accessibility_rating smallint,
            accuracy_rating smallint,
            value_rating smallint,
            title text,
            comment text,
            owner_response text,
            owner_responded_at timestamptz,
            helpful_count bigint DEFAULT 0 NOT NULL,
            removed_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_reviews PRIMARY KEY (id),
            CONSTRAINT uq_reviews_booking_id UNIQUE (booking_id),
            CONSTRAINT fk_reviews_booking_id FOREIGN KEY (booking_id) REFERENCES bookings (id),
            CONSTRAINT fk_reviews_spot_id FOREIGN KEY (spot_id) REFERENCES spots (id),
            CONSTRAINT fk_reviews_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES users (id),
            CONSTRAINT ck_reviews_ratings CHECK (
                overall_rating BETWEEN 1 AND 5 AND cleanliness_rating BETWEEN 1 AND 5
                AND accessibility_rating BETWEEN 1 AND 5 AND accuracy_rating BETWEEN 1 AND 5
                AND value_rating BETWEEN 1 AND 5)
        )
    """)
    op.execute("CREATE INDEX ix_reviews_spot ON reviews (spot_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX ix_reviews_reviewer_id ON reviews (reviewer_id)")
    op.execute("""
        CREATE TABLE review_votes (
            review_id uuid NOT NULL,
            user_id uuid NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_review_votes PRIMARY KEY (review_id, user_id),
            CONSTRAINT fk_review_votes_review_id FOREIGN KEY (review_id) REFERENCES reviews (id) ON DELETE CASCADE,
            CONSTRAINT fk_review_votes_user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
    """)
    op.execute("CREATE INDEX ix_review_votes_user_id ON review_votes (user_id)")
    declare(current=3, oldest_compatible=1)


def downgrade() -> None:
    """The ratings that reviews left on spots go with them."""
    op.execute("DROP TABLE review_votes, reviews")
    op.execute("UPDATE spot_stats SET total_reviews = 0, average_rating = 0 WHERE total_reviews > 0")
    declare(current=2, oldest_compatible=1)
