"""The migrations, run by Alembic from `store.migrate`."""
