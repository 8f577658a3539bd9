"""Version 1: the first book, a file of SQLite, made whole by the program of its day."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: it is where older books stand."""
