"""How Alembic reaches the database: over the connection that `parkingspots migrate` hands it; for --sql not at all."""

from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

import parkingspots.accounts.models
import parkingspots.bookings.models
import parkingspots.kit.audit
import parkingspots.kit.changes
import parkingspots.kit.idempotency_keys
import parkingspots.kit.job_runs
import parkingspots.payments.checking
import parkingspots.payments.ledger
import parkingspots.payments.models
import parkingspots.reviews.models
import parkingspots.spots.models  # noqa: F401 - the tables of every room
from parkingspots.kit.tables import Base
from parkingspots.spots.models import Cube

ischema_names["cube"] = Cube  # so that a comparison with the models knows the type

if context.is_offline_mode():
    # asyncpg as ever: other drivers write % as %%
    context.configure(
        dialect_name="postgresql+asyncpg",
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        transaction_per_migration=True,
    )

with context.begin_transaction():
    context.run_migrations()
