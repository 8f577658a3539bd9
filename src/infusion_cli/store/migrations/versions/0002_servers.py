"""Version 2: PostgreSQL beside SQLite, where a book of version 1 never was.

New are where a block comes from, what patients were told, and a guard that lets a payload be redacted.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is new; the guards come by themselves."""
    op.execute("ALTER TABLE block ADD COLUMN origin TEXT DEFAULT '' NOT NULL")
    op.execute("CREATE INDEX block_origin ON block (clinic_id, origin) WHERE origin <> ''")
    op.execute(
        "CREATE TABLE told (clinic_id TEXT NOT NULL, appointment_id TEXT NOT NULL, sequence INTEGER NOT NULL, "
        "method TEXT NOT NULL, message_id TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL, "
        "at INTEGER NOT NULL, next_at INTEGER NOT NULL, error TEXT NOT NULL, "
        "PRIMARY KEY (clinic_id, appointment_id), "
        "FOREIGN KEY(clinic_id, appointment_id) REFERENCES appointment (clinic_id, id), "
        "CONSTRAINT method_known CHECK (method IN ('REQUEST', 'CANCEL')), "
        "CONSTRAINT state_known CHECK (state IN ('waiting', 'sent', 'failed'))) STRICT"
    )
    op.execute("DELETE FROM sqlite_stat1 WHERE idx IN ('block_origin', 'sqlite_autoindex_told_1')")
    op.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('block', 'block_origin', '100 100 20')")
    op.execute(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('told', 'sqlite_autoindex_told_1', '100000 100000 1')"
    )
