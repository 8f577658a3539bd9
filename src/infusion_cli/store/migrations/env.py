"""Where Alembic begins: in the transaction that `store.migrate` has opened, and committed by it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
