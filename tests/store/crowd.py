"""A group of clinics that share a database: enough rows, in bulk, for the planner to believe in them."""

from __future__ import annotations

from builders import NOW, clinic, text_of
from databases import connect

from infusion_cli.config import ServerUrl
from infusion_cli.store import guards
from infusion_cli.store.repository import create_book

CLINICS, PATIENTS, VISITS = 5, 2_000, 2_000
"""How many clinics there are, and what each of them has."""
FIRST_DAY = NOW - 200 * 86_400
"""Every clinic has ten visits a day from then on, one an hour."""

_OTHERS = f"(SELECT 'c' || n AS name FROM generate_series(2, {CLINICS}) AS n) AS other"
_ALL = f"(SELECT CASE n WHEN 1 THEN 'main' ELSE 'c' || n END AS name FROM generate_series(1, {CLINICS}) AS n) AS c"
_START = f"{FIRST_DAY} + n / 10 * 86400 + n % 10 * 3600"

_ROWS = (
    f"INSERT INTO clinic SELECT other.name, text, data FROM clinic, {_OTHERS}",
    f"INSERT INTO counter SELECT other.name, kind, next FROM counter, {_OTHERS}",
    f"""INSERT INTO resource (clinic_id, id, kind, ref, capacity, seq, lowered_at)
    SELECT other.name, id, kind, ref, 1000, 0, 0 FROM resource, {_OTHERS}""",
    f"""INSERT INTO resource (clinic_id, id, kind, ref, capacity, seq, lowered_at)
    SELECT c.name, 10 + n, 'patient', 'P' || n, 1, 0, 0 FROM {_ALL}, generate_series(1, {PATIENTS}) AS n""",
    f"""INSERT INTO patient SELECT c.name, 'P' || n, 'M' || n, 'Ada W' || n, '', '', '', 'active'
    FROM {_ALL}, generate_series(1, {PATIENTS}) AS n""",
    f"""INSERT INTO patient_word SELECT c.name, word, 'P' || n
    FROM {_ALL}, generate_series(1, {PATIENTS}) AS n, LATERAL (VALUES ('ada'), ('w' || n)) AS its (word)""",
    "INSERT INTO requirement SELECT clinic_id, id, 'consent', '2026-01-01' FROM patient",
    "INSERT INTO series SELECT clinic_id, 'S' || id, id, 'iv-mood', 'active', 6, '[]', NULL, NULL, 1 FROM patient",
    f"""INSERT INTO appointment SELECT c.name, 'A' || n, 'P' || 1 + n % {PATIENTS}, 'iv-mood',
      'SP' || 1 + n % {PATIENTS}, 1, {_START}, {_START} + 3600, {_START} + 3000, 'chair-1',
      CASE n % 100 WHEN 0 THEN 'pending' ELSE 'booked' END, '[]', '2026-01-01T09:00', 'UTC', 'u' || n, 0, 0, NULL,
      CASE n % 100 WHEN 0 THEN {1 << 40} END, NULL, NULL, NULL, NULL, '[]', '', '', 0, '', '[]'
    FROM {_ALL}, generate_series(0, {VISITS - 1}) AS n""",
    "INSERT INTO told SELECT clinic_id, id, 0, 'REQUEST', '<m>', 'sent', 1, 1, 0, '' FROM appointment",
    """INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units)
    SELECT a.clinic_id, r.id, a.start, a.id, a."end", 1 FROM appointment AS a JOIN resource AS r
      ON r.clinic_id = a.clinic_id
      AND (r.kind IN ('chair', 'patient') AND r.ref IN (a.chair, a.patient) OR r.kind = 'hands')""",
    f"""INSERT INTO block
    SELECT c.name, 'B' || n, 'chair', 'chair-1', {_START}, {_START} + 60, 'broken', 'active', '[]', ''
    FROM {_ALL}, generate_series(0, {VISITS - 1}) AS n""",
    f"""INSERT INTO operation SELECT c.name, n, 'O' || n, 0, 'desk', 'book', CASE WHEN n % 20 = 0 THEN 'O' || n - 1 END,
      repeat('d', 64), repeat('p', 64), repeat('h', 64) FROM {_ALL}, generate_series(2, {VISITS}) AS n""",
    f"INSERT INTO payload SELECT c.name, n, 'salt', repeat('[]', 300) FROM {_ALL}, generate_series(2, {VISITS}) AS n",
    f"INSERT INTO touched SELECT c.name, 'A' || n, n FROM {_ALL}, generate_series(2, {VISITS}) AS n",
    f"""INSERT INTO idempotency SELECT c.name, 'k' || n, 'request', 'O' || n, ''
    FROM {_ALL}, generate_series(2, {VISITS}) AS n""",
)


def gather(url: str) -> None:
    """Fill the empty database with the group; the first clinic's book is `main`, made by the program."""
    create_book(ServerUrl(url), text_of(clinic()), clinic(), NOW, "founder").close()
    with connect(url) as connection:
        guards.remove(connection, "postgresql")
        for rows in _ROWS:
            connection.execute(rows.encode())
        guards.install(connection, "postgresql")
        connection.execute("VACUUM ANALYZE")
