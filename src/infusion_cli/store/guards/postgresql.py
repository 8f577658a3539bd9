"""The guards of a PostgreSQL database.

The capacity's trigger first changes the resource's row: whoever comes second waits there, and then
sees what the first one claimed (under READ COMMITTED) or is told to begin again (under the stricter
levels). A mere `FOR UPDATE` would let both book under REPEATABLE READ. Once a transaction has changed the
row it need not again, and must not: it would have to pass by every version that it has left behind, and
a book that moves to the server in one transaction would take as long as the square of its size.

Chairs and patients hold one visit at a time: for them an exclusion constraint says the same once
more, over a number of their own that the trigger copies into the claim.
"""

from __future__ import annotations

from typing import NamedTuple

_DAY = 86_400
"""The longest claim, in seconds."""


class _Trigger(NamedTuple):
    name: str
    event: str
    """Before what, e.g. `INSERT ON claim FOR EACH ROW`."""
    body: str

    @property
    def text(self) -> str:
        return f"CREATE TRIGGER {self.name} BEFORE {self.event} EXECUTE FUNCTION {self.name}()"

    @property
    def function(self) -> str:
        return f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $guard${self.body}$guard$"


_CAPACITY = f"""
DECLARE
  room bigint;
BEGIN
  UPDATE resource SET seq = seq + 1
    WHERE clinic_id = NEW.clinic_id AND id = NEW.resource_id AND xmin <> pg_current_xact_id()::xid;
  SELECT capacity, CASE WHEN kind IN ('chair', 'patient') THEN number END INTO room, NEW.alone
    FROM resource WHERE clinic_id = NEW.clinic_id AND id = NEW.resource_id;
  IF EXISTS (
    SELECT 1 FROM (
      SELECT NEW.t0 AS at
      UNION
      SELECT t0 FROM claim
      WHERE clinic_id = NEW.clinic_id AND resource_id = NEW.resource_id AND t0 > NEW.t0 AND t0 < NEW.t1
    ) AS point
    WHERE NEW.units + (
      SELECT coalesce(sum(c.units), 0) FROM claim AS c
      WHERE c.clinic_id = NEW.clinic_id AND c.resource_id = NEW.resource_id
        AND c.t0 > point.at - {_DAY} AND c.t0 <= point.at AND c.t1 > point.at
    ) > coalesce(room, 0)
  ) THEN
    RAISE EXCEPTION 'guard:capacity' USING ERRCODE = 'check_violation',
      DETAIL = concat_ws(' ', NEW.resource_id, NEW.t0, NEW.appointment_id);
  END IF;
  RETURN NEW;
END"""

_RESOURCE_UPDATE = f"""
BEGIN
  IF (NEW.clinic_id, NEW.id, NEW.kind, NEW.ref, NEW.number)
    <> (OLD.clinic_id, OLD.id, OLD.kind, OLD.ref, OLD.number)
  THEN
    RAISE EXCEPTION 'guard:resource-identity' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.capacity < OLD.capacity AND EXISTS (
    SELECT 1 FROM claim AS point
    WHERE point.clinic_id = OLD.clinic_id AND point.resource_id = OLD.id
      AND point.t0 > NEW.lowered_at - {_DAY} AND point.t1 > NEW.lowered_at
      AND (
        SELECT sum(c.units) FROM claim AS c
        WHERE c.clinic_id = OLD.clinic_id AND c.resource_id = OLD.id
          AND c.t0 > point.t0 - {_DAY} AND c.t0 <= point.t0 AND c.t1 > point.t0 AND c.t1 > NEW.lowered_at
      ) > NEW.capacity
  ) THEN
    RAISE EXCEPTION 'guard:lowering' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END"""

_OPERATION_INSERT = """
BEGIN
  IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM operation WHERE clinic_id = NEW.clinic_id)
    OR NEW.prev <> coalesce(
      (SELECT hash FROM operation WHERE clinic_id = NEW.clinic_id ORDER BY seq DESC LIMIT 1), '')
  THEN
    RAISE EXCEPTION 'guard:journal-order' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END"""

_PAYLOAD_UPDATE = """
BEGIN
  IF NEW.clinic_id <> OLD.clinic_id OR NEW.seq <> OLD.seq OR NEW.salt <> '' THEN
    RAISE EXCEPTION 'guard:journal-append-only' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END"""


def _never(guard: str) -> str:
    return f"""
BEGIN
  RAISE EXCEPTION 'guard:{guard}' USING ERRCODE = 'check_violation';
END"""


_TRIGGERS = (
    _Trigger("claim_capacity", "INSERT ON claim FOR EACH ROW", _CAPACITY),
    _Trigger("claim_update", "UPDATE ON claim FOR EACH ROW", _never("claim-update")),
    _Trigger("claim_truncate", "TRUNCATE ON claim FOR EACH STATEMENT", _never("truncate")),
    _Trigger("resource_update", "UPDATE ON resource FOR EACH ROW", _RESOURCE_UPDATE),
    _Trigger("resource_delete", "DELETE ON resource FOR EACH ROW", _never("resource-delete")),
    _Trigger("resource_truncate", "TRUNCATE ON resource FOR EACH STATEMENT", _never("truncate")),
    _Trigger("operation_insert", "INSERT ON operation FOR EACH ROW", _OPERATION_INSERT),
    _Trigger("operation_update", "UPDATE ON operation FOR EACH ROW", _never("journal-append-only")),
    _Trigger("operation_delete", "DELETE ON operation FOR EACH ROW", _never("journal-append-only")),
    _Trigger("operation_truncate", "TRUNCATE ON operation FOR EACH STATEMENT", _never("journal-append-only")),
    _Trigger("payload_update", "UPDATE ON payload FOR EACH ROW", _PAYLOAD_UPDATE),
    _Trigger("payload_delete", "DELETE ON payload FOR EACH ROW", _never("journal-append-only")),
    _Trigger("payload_truncate", "TRUNCATE ON payload FOR EACH STATEMENT", _never("journal-append-only")),
)

_ALONE = (
    "EXCLUDE USING gist (int8range(alone, alone, '[]'::text) WITH &&, int8range(t0, t1) WITH &&) "
    "WHERE ((alone IS NOT NULL))"
)

TEXTS = {
    **{t.name: f"{t.text}\n{t.body}" for t in _TRIGGERS},
    "claim_alone": _ALONE,
}
"""Every guard by its name, as `CATALOGUE` tells them."""

_NUMBER_CLAIMS = """
UPDATE claim AS c SET alone = r.number FROM resource AS r
WHERE c.clinic_id = r.clinic_id AND c.resource_id = r.id AND r.kind IN ('chair', 'patient') AND c.alone IS NULL
"""

STATEMENTS = (
    "ALTER TABLE resource ADD COLUMN IF NOT EXISTS number bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE claim ADD COLUMN IF NOT EXISTS alone bigint",
    _NUMBER_CLAIMS,
    f"ALTER TABLE claim ADD CONSTRAINT claim_alone {_ALONE}",
    *(text for t in _TRIGGERS for text in (t.function, t.text)),
)
"""What puts the guards in, in order."""

DROPS = (
    *(f"DROP FUNCTION IF EXISTS {t.name}() CASCADE" for t in _TRIGGERS),
    "ALTER TABLE claim DROP CONSTRAINT IF EXISTS claim_alone",
)
"""What takes them away again; the numbers stay, for nothing changes by them."""

CATALOGUE = """
SELECT t.tgname,
  pg_get_triggerdef(t.oid, true) || E'\\n' || p.prosrc || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' (off)' END
FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
  AND c.relname IN ('claim', 'resource', 'operation', 'payload')
UNION ALL
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'x' AND conrelid = 'claim'::regclass
"""
"""The guards that are there: names and texts, in the words of the database's catalogue."""
