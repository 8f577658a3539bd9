"""Version 2: PostgreSQL beside SQLite; a payload may be redacted, so that a person can be forgotten.

The tables stay as they were; what is new are guards, which every migration puts in anew.
"""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing but the guards."""
