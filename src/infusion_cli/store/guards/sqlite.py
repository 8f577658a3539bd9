"""The guards of a file of SQLite, as the file keeps their text."""

from __future__ import annotations

_DAY = 86_400
"""The longest claim, in seconds."""

_CAPACITY = f"""CREATE TRIGGER claim_capacity BEFORE INSERT ON claim
WHEN NEW.units + (
  SELECT coalesce(sum(c.units), 0) FROM claim AS c
  WHERE c.clinic_id = NEW.clinic_id AND c.resource_id = NEW.resource_id
    AND c.t0 > NEW.t0 - {_DAY} AND c.t0 < NEW.t1 AND c.t1 > NEW.t0
) > coalesce((SELECT capacity FROM resource WHERE clinic_id = NEW.clinic_id AND id = NEW.resource_id), 0)
BEGIN
  SELECT RAISE(ABORT, 'guard:capacity') FROM (
    SELECT NEW.t0 AS at
    UNION
    SELECT t0 FROM claim
    WHERE clinic_id = NEW.clinic_id AND resource_id = NEW.resource_id AND t0 > NEW.t0 AND t0 < NEW.t1
  ) AS point
  WHERE NEW.units + (
    SELECT coalesce(sum(c.units), 0) FROM claim AS c
    WHERE c.clinic_id = NEW.clinic_id AND c.resource_id = NEW.resource_id
      AND c.t0 > point.at - {_DAY} AND c.t0 <= point.at AND c.t1 > point.at
  ) > coalesce((SELECT capacity FROM resource WHERE clinic_id = NEW.clinic_id AND id = NEW.resource_id), 0);
END"""

_CLAIM_UPDATE = """CREATE TRIGGER claim_update BEFORE UPDATE ON claim
BEGIN
  SELECT RAISE(ABORT, 'guard:claim-update');
END"""

_RESOURCE_INSERT = """CREATE TRIGGER resource_insert BEFORE INSERT ON resource
WHEN EXISTS (
  SELECT 1 FROM resource
  WHERE clinic_id = NEW.clinic_id AND (id = NEW.id OR (kind = NEW.kind AND ref = NEW.ref))
)
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-replace');
END"""

_RESOURCE_DELETE = """CREATE TRIGGER resource_delete BEFORE DELETE ON resource
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-delete');
END"""

_RESOURCE_IDENTITY = """CREATE TRIGGER resource_identity BEFORE UPDATE ON resource
WHEN NEW.clinic_id <> OLD.clinic_id OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.ref <> OLD.ref
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-identity');
END"""

_RESOURCE_LOWER = f"""CREATE TRIGGER resource_lower BEFORE UPDATE ON resource
WHEN NEW.capacity < OLD.capacity
BEGIN
  SELECT RAISE(ABORT, 'guard:lowering') FROM claim AS point
  WHERE point.clinic_id = OLD.clinic_id AND point.resource_id = OLD.id
    AND point.t0 > NEW.lowered_at - {_DAY} AND point.t1 > NEW.lowered_at
    AND (
      SELECT sum(c.units) FROM claim AS c
      WHERE c.clinic_id = OLD.clinic_id AND c.resource_id = OLD.id
        AND c.t0 > point.t0 - {_DAY} AND c.t0 <= point.t0 AND c.t1 > point.t0 AND c.t1 > NEW.lowered_at
    ) > NEW.capacity;
END"""

_OPERATION_INSERT = """CREATE TRIGGER operation_insert BEFORE INSERT ON operation
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM operation WHERE clinic_id = NEW.clinic_id)
  OR NEW.prev <> coalesce(
    (SELECT hash FROM operation WHERE clinic_id = NEW.clinic_id ORDER BY seq DESC LIMIT 1), '')
  OR EXISTS (SELECT 1 FROM operation WHERE clinic_id = NEW.clinic_id AND id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-order');
END"""

_OPERATION_UPDATE = """CREATE TRIGGER operation_update BEFORE UPDATE ON operation
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END"""

_OPERATION_DELETE = """CREATE TRIGGER operation_delete BEFORE DELETE ON operation
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END"""

_PAYLOAD_INSERT = """CREATE TRIGGER payload_insert BEFORE INSERT ON payload
WHEN EXISTS (SELECT 1 FROM payload WHERE clinic_id = NEW.clinic_id AND seq = NEW.seq)
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END"""

_PAYLOAD_UPDATE = """CREATE TRIGGER payload_update BEFORE UPDATE ON payload
WHEN NEW.clinic_id <> OLD.clinic_id OR NEW.seq <> OLD.seq OR NEW.salt <> ''
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END"""

_PAYLOAD_DELETE = """CREATE TRIGGER payload_delete BEFORE DELETE ON payload
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END"""

_SQLITE = (
    _CAPACITY,
    _CLAIM_UPDATE,
    _RESOURCE_INSERT,
    _RESOURCE_DELETE,
    _RESOURCE_IDENTITY,
    _RESOURCE_LOWER,
    _OPERATION_INSERT,
    _OPERATION_UPDATE,
    _OPERATION_DELETE,
    _PAYLOAD_INSERT,
    _PAYLOAD_UPDATE,
    _PAYLOAD_DELETE,
)

TEXTS = {text.split(maxsplit=3)[2]: text for text in _SQLITE}
"""Every guard by its name: `CREATE TRIGGER <name> ...`."""

STATEMENTS = tuple(TEXTS.values())
"""What puts the guards in, in order."""

DROPS = tuple(f"DROP TRIGGER IF EXISTS {name}" for name in TEXTS)
"""What takes them away again."""
