PRAGMA application_id=1229866581;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE appointment (clinic_id TEXT NOT NULL, id TEXT NOT NULL, patient TEXT NOT NULL, protocol TEXT NOT NULL, series TEXT, session INTEGER, start INTEGER NOT NULL, "end" INTEGER NOT NULL, leave INTEGER NOT NULL, chair TEXT NOT NULL, status TEXT NOT NULL, phases TEXT NOT NULL, wall TEXT NOT NULL, zone TEXT NOT NULL, uid TEXT NOT NULL, sequence INTEGER NOT NULL, stamp INTEGER NOT NULL, "key" TEXT, hold_until INTEGER, confirmed_at INTEGER, arrived_at INTEGER, started_at INTEGER, left_at INTEGER, overrides TEXT NOT NULL, reason TEXT NOT NULL, cancelled_by TEXT NOT NULL, late INTEGER NOT NULL, ride TEXT NOT NULL, warnings TEXT NOT NULL, PRIMARY KEY (clinic_id, id), FOREIGN KEY(clinic_id, patient) REFERENCES patient (clinic_id, id), FOREIGN KEY(clinic_id, series) REFERENCES series (clinic_id, id), CONSTRAINT period CHECK ("end" > start AND "end" - start <= 86400), CONSTRAINT leave_within CHECK (leave BETWEEN start AND "end"), CONSTRAINT status_known CHECK (status IN ('proposed', 'pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'noshow', 'waitlist', 'entered-in-error'))) STRICT;
INSERT INTO "appointment" VALUES('main','AANAND','PANANE','iv-mood','SANANR',1,1796043600,1796049900,1796049000,'chair-3','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-11-30T08:00','America/New_York','e687dafe8fd865ec16c0cd7c7fc021eb@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
INSERT INTO "appointment" VALUES('main','AYE6CE','PANANE','iv-mood','SANANR',2,1796216400,1796222700,1796221800,'chair-3','cancelled','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-02T08:00','America/New_York','774c081a0b6e61fe6009ceb43b005034@calendar.invalid',1,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','cold','patient',0,'','[]');
INSERT INTO "appointment" VALUES('main','AJ723W','PANANE','iv-mood','SANANR',3,1796389200,1796395500,1796394600,'chair-3','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-04T08:00','America/New_York','ecf831c6fe36b28fc65ea578d7a386f4@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
INSERT INTO "appointment" VALUES('main','A5ZXTM','PANANE','iv-mood','SANANR',4,1796648400,1796654700,1796653800,'chair-3','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-07T08:00','America/New_York','ff3bccac66386bee79bad7b58a2d96f1@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[["review-due","a clinician''s review is due before session 4"]]');
INSERT INTO "appointment" VALUES('main','ASRSHW','PANANE','iv-mood','SANANR',5,1796821200,1796827500,1796826600,'chair-3','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-09T08:00','America/New_York','c2c8b962cec165335f028150afe910e0@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
INSERT INTO "appointment" VALUES('main','ADHN8V','PANANE','iv-mood','SANANR',6,1796994000,1797000300,1796999400,'chair-3','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-11T08:00','America/New_York','1d396c7514e299668a5b48f9ef370007@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
INSERT INTO "appointment" VALUES('main','A1AGZW','PJ723Z','iv-mood',NULL,NULL,1796148000,1796154300,1796153400,'chair-3','pending','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-01T13:00','America/New_York','3256c04e81c08b7c1fedad59ba6b98d8@calendar.invalid',0,1795438800,NULL,1795440600,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
INSERT INTO "appointment" VALUES('main','AN3CPM','P5ZXTQ','iv-mood',NULL,NULL,1796220000,1796226300,1796225400,'chair-4','booked','[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}]','2026-12-02T09:00','America/New_York','5357015d3d0d16c368f2f89460afb15c@calendar.invalid',0,1795438800,NULL,NULL,NULL,NULL,NULL,NULL,'[]','','',0,'','[]');
CREATE TABLE block (clinic_id TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL, staff TEXT NOT NULL, PRIMARY KEY (clinic_id, id), CONSTRAINT period CHECK ("end" > start), CONSTRAINT kind_known CHECK (kind IN ('chair', 'staff', 'clinic', 'open')), CONSTRAINT status_known CHECK (status IN ('active', 'removed', 'entered-in-error'))) STRICT;
INSERT INTO "block" VALUES('main','BANAN8','chair','chair-1',1796306400,1796317200,'lamp broken','entered-in-error','[]');
CREATE TABLE claim (clinic_id TEXT NOT NULL, resource_id INTEGER NOT NULL, t0 INTEGER NOT NULL, appointment_id TEXT NOT NULL, t1 INTEGER NOT NULL, units INTEGER NOT NULL, PRIMARY KEY (clinic_id, resource_id, t0, appointment_id), FOREIGN KEY(clinic_id, resource_id) REFERENCES resource (clinic_id, id), FOREIGN KEY(clinic_id, appointment_id) REFERENCES appointment (clinic_id, id), CONSTRAINT period CHECK (t1 > t0 AND t1 - t0 <= 86400), CONSTRAINT units_count CHECK (units > 0)) WITHOUT ROWID, STRICT;
INSERT INTO "claim" VALUES('main',3,1796043600,'AANAND',1796049900,1);
INSERT INTO "claim" VALUES('main',3,1796148000,'A1AGZW',1796154300,1);
INSERT INTO "claim" VALUES('main',3,1796389200,'AJ723W',1796395500,1);
INSERT INTO "claim" VALUES('main',3,1796648400,'A5ZXTM',1796654700,1);
INSERT INTO "claim" VALUES('main',3,1796821200,'ASRSHW',1796827500,1);
INSERT INTO "claim" VALUES('main',3,1796994000,'ADHN8V',1797000300,1);
INSERT INTO "claim" VALUES('main',4,1796220000,'AN3CPM',1796226300,1);
INSERT INTO "claim" VALUES('main',5,1796043600,'AANAND',1796044800,1);
INSERT INTO "claim" VALUES('main',5,1796148000,'A1AGZW',1796149200,1);
INSERT INTO "claim" VALUES('main',5,1796220000,'AN3CPM',1796221200,1);
INSERT INTO "claim" VALUES('main',5,1796389200,'AJ723W',1796390400,1);
INSERT INTO "claim" VALUES('main',5,1796648400,'A5ZXTM',1796649600,1);
INSERT INTO "claim" VALUES('main',5,1796821200,'ASRSHW',1796822400,1);
INSERT INTO "claim" VALUES('main',5,1796994000,'ADHN8V',1796995200,1);
INSERT INTO "claim" VALUES('main',6,1796043600,'AANAND',1796044800,840);
INSERT INTO "claim" VALUES('main',6,1796044800,'AANAND',1796047200,1260);
INSERT INTO "claim" VALUES('main',6,1796047200,'AANAND',1796049000,840);
INSERT INTO "claim" VALUES('main',6,1796148000,'A1AGZW',1796149200,840);
INSERT INTO "claim" VALUES('main',6,1796149200,'A1AGZW',1796151600,1260);
INSERT INTO "claim" VALUES('main',6,1796151600,'A1AGZW',1796153400,840);
INSERT INTO "claim" VALUES('main',6,1796220000,'AN3CPM',1796221200,840);
INSERT INTO "claim" VALUES('main',6,1796221200,'AN3CPM',1796223600,1260);
INSERT INTO "claim" VALUES('main',6,1796223600,'AN3CPM',1796225400,840);
INSERT INTO "claim" VALUES('main',6,1796389200,'AJ723W',1796390400,840);
INSERT INTO "claim" VALUES('main',6,1796390400,'AJ723W',1796392800,1260);
INSERT INTO "claim" VALUES('main',6,1796392800,'AJ723W',1796394600,840);
INSERT INTO "claim" VALUES('main',6,1796648400,'A5ZXTM',1796649600,840);
INSERT INTO "claim" VALUES('main',6,1796649600,'A5ZXTM',1796652000,1260);
INSERT INTO "claim" VALUES('main',6,1796652000,'A5ZXTM',1796653800,840);
INSERT INTO "claim" VALUES('main',6,1796821200,'ASRSHW',1796822400,840);
INSERT INTO "claim" VALUES('main',6,1796822400,'ASRSHW',1796824800,1260);
INSERT INTO "claim" VALUES('main',6,1796824800,'ASRSHW',1796826600,840);
INSERT INTO "claim" VALUES('main',6,1796994000,'ADHN8V',1796995200,840);
INSERT INTO "claim" VALUES('main',6,1796995200,'ADHN8V',1796997600,1260);
INSERT INTO "claim" VALUES('main',6,1796997600,'ADHN8V',1796999400,840);
INSERT INTO "claim" VALUES('main',8,1796043600,'AANAND',1796049900,1);
INSERT INTO "claim" VALUES('main',8,1796389200,'AJ723W',1796395500,1);
INSERT INTO "claim" VALUES('main',8,1796648400,'A5ZXTM',1796654700,1);
INSERT INTO "claim" VALUES('main',8,1796821200,'ASRSHW',1796827500,1);
INSERT INTO "claim" VALUES('main',8,1796994000,'ADHN8V',1797000300,1);
INSERT INTO "claim" VALUES('main',10,1796148000,'A1AGZW',1796154300,1);
INSERT INTO "claim" VALUES('main',11,1796220000,'AN3CPM',1796226300,1);
CREATE TABLE clinic (clinic_id TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (clinic_id)) STRICT;
INSERT INTO "clinic" VALUES('main','# A fictional clinic, the one of `infusion demo`: four chairs, two nurses, IV series, esketamine, long pain infusions.
# Its figures are examples; the starter file that `infusion init` writes says where such figures come from.
schema = 1

[clinic]
name = "Northgate Ketamine & Wellness"
public_name = "Northgate Clinic"            # the only name that may leave the clinic in an invite or reminder
timezone = "America/New_York"
phone = "+1 518 555 0100"
email = "desk@northgate.example"
address = "7 North Gate Road, Albany, NY 12207"
grid = 15                                # minutes; every visit starts on this grid
cancel_notice = "24h"

[[hours]]
days = ["MO", "TU", "WE", "TH", "FR"]
open = "08:00"
close = "17:00"

[[closures]]
date = "2026-11-26"
reason = "Thanksgiving Day"

[[closures]]
date = "2026-12-25"
reason = "Christmas Day"

[[closures]]
date = "2027-01-01"
reason = "New Year''s Day"

[[chairs]]
id = "chair-1"
name = "Maple"
protocols = ["*"]

[[chairs]]
id = "chair-2"
name = "Birch"
protocols = ["*"]

[[chairs]]
id = "chair-3"
name = "Quiet room"
protocols = ["iv-mood", "iv-pain", "consult"]

[[chairs]]
id = "chair-4"
name = "Willow"
protocols = ["esketamine", "iv-mood", "iv-booster"]

[[staff]]
id = "rn-hale"
role = "nurse"
shifts = [{ days = ["MO", "TU", "WE", "TH", "FR"], from = "07:45", to = "17:15" }]

[[staff]]
id = "rn-duarte"
role = "nurse"
shifts = [{ days = ["MO", "TU", "WE", "TH"], from = "07:45", to = "17:15" }]

[[staff]]
id = "dr-amari"
role = "provider"
shifts = [{ days = ["MO", "TU", "WE", "TH", "FR"], from = "08:00", to = "17:00" }]

[[protocols]]
id = "iv-mood"
title = "IV ketamine, mood"
provider = true
requires = ["evaluation", "consent", "clearance"]
phases = [
  { name = "preparation", minutes = 20, patients_per_nurse = 3, hands_on = true },
  { name = "infusion", minutes = 40, patients_per_nurse = 2, dosing = true },
  { name = "monitoring", minutes = 30, patients_per_nurse = 3 },
  { name = "turnover", minutes = 15, after_leave = true },
]
course = [
  { name = "induction", sessions = 6, gap = { min = "24h", tight = "48h", ideal = "2d-4d", long = "5d" }, window = "21d", review_after = 3 },
]

[[protocols]]
id = "iv-booster"
title = "IV ketamine, maintenance"
provider = true
requires = ["evaluation", "consent"]
phases = [
  { name = "preparation", minutes = 20, patients_per_nurse = 3, hands_on = true },
  { name = "infusion", minutes = 40, patients_per_nurse = 2, dosing = true },
  { name = "monitoring", minutes = 30, patients_per_nurse = 3 },
  { name = "turnover", minutes = 15, after_leave = true },
]
course = [
  { name = "taper", sessions = 3, gap = { min = "7d", tight = "10d", ideal = "14d-21d", long = "28d" } },
  { name = "maintenance", sessions = "open", gap = { min = "7d", tight = "14d", ideal = "28d-42d", long = "84d" } },
]

[[protocols]]
id = "iv-pain"
title = "IV ketamine, chronic pain"
provider = true
requires = ["evaluation", "consent", "clearance", "labs"]
phases = [
  { name = "preparation", minutes = 30, patients_per_nurse = 3, hands_on = true },
  { name = "infusion", minutes = 240, patients_per_nurse = 3, dosing = true },
  { name = "monitoring", minutes = 60, patients_per_nurse = 3 },
  { name = "turnover", minutes = 15, after_leave = true },
]
course = [
  { name = "infusion block", sessions = 5, gap = { min = "20h", ideal = "1d", long = "3d" }, window = "9d" },
]

[[protocols]]
id = "esketamine"
title = "Esketamine nasal spray"
provider = true
requires = ["evaluation", "consent", "rems-enrolment"]
observation_minimum = 120                # regulatory; a smaller figure is refused
per_protocol_week = 2
phases = [
  { name = "preparation", minutes = 15, patients_per_nurse = 4, hands_on = true },
  { name = "dosing", minutes = 10, patients_per_nurse = 4, hands_on = true, dosing = true },
  { name = "observation", minutes = 125, patients_per_nurse = 4, observation = true },
  { name = "turnover", minutes = 10, after_leave = true },
]
course = [
  { name = "induction", sessions = 8, gap = { min = "20h", tight = "48h", ideal = "3d-4d", long = "7d" }, window = "28d" },
  { name = "weekly", sessions = 4, gap = { min = "3d", tight = "5d", ideal = "7d", long = "10d" }, review_before = true },
  { name = "maintenance", sessions = "open", gap = { min = "3d", tight = "5d", ideal = "7d-14d", long = "21d" } },
]

[[protocols]]
id = "consult"
title = "Consultation"
provider = true
phases = [{ name = "consultation", minutes = 60, provider_hands = true }]
','{"schema": 1, "clinic": {"name": "Northgate Ketamine & Wellness", "public_name": "Northgate Clinic", "timezone": "America/New_York", "grid": 15, "cancel_notice": "24h", "phone": "+1 518 555 0100", "email": "desk@northgate.example", "address": "7 North Gate Road, Albany, NY 12207"}, "hours": [{"days": ["MO", "TU", "WE", "TH", "FR"], "open": "08:00", "close": "17:00"}], "closures": [{"date": "2026-11-26", "reason": "Thanksgiving Day"}, {"date": "2026-12-25", "reason": "Christmas Day"}, {"date": "2027-01-01", "reason": "New Year''s Day"}], "chairs": [{"id": "chair-1", "name": "Maple", "protocols": ["*"]}, {"id": "chair-2", "name": "Birch", "protocols": ["*"]}, {"id": "chair-3", "name": "Quiet room", "protocols": ["iv-mood", "iv-pain", "consult"]}, {"id": "chair-4", "name": "Willow", "protocols": ["esketamine", "iv-mood", "iv-booster"]}], "staff": [{"id": "rn-hale", "role": "nurse", "shifts": [{"days": ["MO", "TU", "WE", "TH", "FR"], "from": "07:45", "to": "17:15"}]}, {"id": "rn-duarte", "role": "nurse", "shifts": [{"days": ["MO", "TU", "WE", "TH"], "from": "07:45", "to": "17:15"}]}, {"id": "dr-amari", "role": "provider", "shifts": [{"days": ["MO", "TU", "WE", "TH", "FR"], "from": "08:00", "to": "17:00"}]}], "protocols": [{"id": "iv-mood", "title": "IV ketamine, mood", "provider": true, "requires": ["evaluation", "consent", "clearance"], "phases": [{"name": "preparation", "minutes": 20, "patients_per_nurse": 3, "hands_on": true}, {"name": "infusion", "minutes": 40, "patients_per_nurse": 2, "dosing": true}, {"name": "monitoring", "minutes": 30, "patients_per_nurse": 3}, {"name": "turnover", "minutes": 15, "after_leave": true}], "course": [{"name": "induction", "sessions": 6, "gap": {"min": "24h", "ideal": "2d-4d", "tight": "48h", "long": "5d"}, "window": "21d", "review_after": 3}]}, {"id": "iv-booster", "title": "IV ketamine, maintenance", "provider": true, "requires": ["evaluation", "consent"], "phases": [{"name": "preparation", "minutes": 20, "patients_per_nurse": 3, "hands_on": true}, {"name": "infusion", "minutes": 40, "patients_per_nurse": 2, "dosing": true}, {"name": "monitoring", "minutes": 30, "patients_per_nurse": 3}, {"name": "turnover", "minutes": 15, "after_leave": true}], "course": [{"name": "taper", "sessions": 3, "gap": {"min": "7d", "ideal": "14d-21d", "tight": "10d", "long": "28d"}}, {"name": "maintenance", "sessions": "open", "gap": {"min": "7d", "ideal": "28d-42d", "tight": "14d", "long": "84d"}}]}, {"id": "iv-pain", "title": "IV ketamine, chronic pain", "provider": true, "requires": ["evaluation", "consent", "clearance", "labs"], "phases": [{"name": "preparation", "minutes": 30, "patients_per_nurse": 3, "hands_on": true}, {"name": "infusion", "minutes": 240, "patients_per_nurse": 3, "dosing": true}, {"name": "monitoring", "minutes": 60, "patients_per_nurse": 3}, {"name": "turnover", "minutes": 15, "after_leave": true}], "course": [{"name": "infusion block", "sessions": 5, "gap": {"min": "20h", "ideal": "1d", "long": "3d"}, "window": "9d"}]}, {"id": "esketamine", "title": "Esketamine nasal spray", "provider": true, "requires": ["evaluation", "consent", "rems-enrolment"], "phases": [{"name": "preparation", "minutes": 15, "patients_per_nurse": 4, "hands_on": true}, {"name": "dosing", "minutes": 10, "patients_per_nurse": 4, "hands_on": true, "dosing": true}, {"name": "observation", "minutes": 125, "patients_per_nurse": 4, "observation": true}, {"name": "turnover", "minutes": 10, "after_leave": true}], "course": [{"name": "induction", "sessions": 8, "gap": {"min": "20h", "ideal": "3d-4d", "tight": "48h", "long": "7d"}, "window": "28d"}, {"name": "weekly", "sessions": 4, "gap": {"min": "3d", "ideal": "7d", "tight": "5d", "long": "10d"}, "review_before": true}, {"name": "maintenance", "sessions": "open", "gap": {"min": "3d", "ideal": "7d-14d", "tight": "5d", "long": "21d"}}], "observation_minimum": 120, "per_protocol_week": 2}, {"id": "consult", "title": "Consultation", "provider": true, "requires": [], "phases": [{"name": "consultation", "minutes": 60, "provider_hands": true}], "course": []}]}');
CREATE TABLE counter (clinic_id TEXT NOT NULL, kind TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (clinic_id, kind), CONSTRAINT next_counts CHECK (next >= 0)) WITHOUT ROWID, STRICT;
INSERT INTO "counter" VALUES('main','appointment',8);
INSERT INTO "counter" VALUES('main','block',1);
INSERT INTO "counter" VALUES('main','operation',8);
INSERT INTO "counter" VALUES('main','patient',6);
INSERT INTO "counter" VALUES('main','series',1);
CREATE TABLE idempotency (clinic_id TEXT NOT NULL, "key" TEXT NOT NULL, request TEXT NOT NULL, operation_id TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (clinic_id, "key"), FOREIGN KEY(clinic_id, operation_id) REFERENCES operation (clinic_id, id)) STRICT;
INSERT INTO "idempotency" VALUES('main','k1','069b4faf4d7830364cb85a1f6e6d74e38cdad5360a71d2c46674d9760442f570','OJ723V','{"patient": "PANANE", "protocol": "iv-mood", "sessions": 6, "first": "2026-11-30", "last": "2026-12-11", "days": 11, "cost": 11}');
CREATE TABLE operation (clinic_id TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, command TEXT NOT NULL, undoes TEXT, digest TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (clinic_id, seq), UNIQUE (clinic_id, id)) STRICT;
INSERT INTO "operation" VALUES('main',1,'OANANA',1795438800,'desk','init',NULL,'910cf64893daea1abb9dde044f5744db4f04f272e69a8a1d77e694d4b273cd55','','50dce75007c7413c4cdbfe526437c73efdb41162fd971df0312085ba9ec51141');
INSERT INTO "operation" VALUES('main',2,'OYE6C9',1795438800,'desk','patients import',NULL,'aa6a203348bc9b97829a3e31a8903be37359f125e1b6f0ee69dfb7d608ecfa11','50dce75007c7413c4cdbfe526437c73efdb41162fd971df0312085ba9ec51141','a81cb8e3f802255cc7aeb50365c72eb3de062c986f4226c938ce5f548a0c9a12');
INSERT INTO "operation" VALUES('main',3,'OJ723V',1795438800,'desk','series book',NULL,'e540bf17dca1b35fee62995f729b2e50fbe62ec71544c474ed4b868ef9cf329a','a81cb8e3f802255cc7aeb50365c72eb3de062c986f4226c938ce5f548a0c9a12','99aa9c4174a37e81865f796eee241f3ad7f0719a3171b95022d64409fdf923e6');
INSERT INTO "operation" VALUES('main',4,'O5ZXTK',1795438800,'desk','book',NULL,'2f7b5596cd78ff58d44e2a821336b871287d3af37d4ef111e257daddc1e53057','99aa9c4174a37e81865f796eee241f3ad7f0719a3171b95022d64409fdf923e6','ff19848364bfc3988ea36ef711d8d468181b1c6cafd4e58297f4f4ce3a1fc85b');
INSERT INTO "operation" VALUES('main',5,'OSRSHV',1795438800,'desk','book',NULL,'015ad1ef59cf2a8db9546555d7b93fc111adbccc41ad20dadcc75559d913e25c','ff19848364bfc3988ea36ef711d8d468181b1c6cafd4e58297f4f4ce3a1fc85b','c3321cf94b8015e137068a857f77514a249615fa4ed3f400177f3b4179b0e84a');
INSERT INTO "operation" VALUES('main',6,'ODHN8W',1795438800,'desk','cancel',NULL,'5ef420a6920f6307734a77a520cbf7a70394de53fda6802cd8a138a653aa4c0f','c3321cf94b8015e137068a857f77514a249615fa4ed3f400177f3b4179b0e84a','2a977e4cf2ec8f6e3765c443a034dce1d93e0c5a8299aaff4d4ba333bce323af');
INSERT INTO "operation" VALUES('main',7,'O1AGZV',1795438800,'desk','slots block',NULL,'e90777c8c91da6ed6e9f4918daedab46a2b0cac044414de907823d862036ec7c','2a977e4cf2ec8f6e3765c443a034dce1d93e0c5a8299aaff4d4ba333bce323af','d16e3e8bf8601f2928842fbdf59371f6eb99b06cb26155b0f25344baf83ca294');
INSERT INTO "operation" VALUES('main',8,'ON3CPK',1795438800,'desk','undo','O1AGZV','06f55c1a3e9a6702e5af1cc9cbd0aa5227b3b5cc8a04ca9b0e82a52bc4bb0ec9','d16e3e8bf8601f2928842fbdf59371f6eb99b06cb26155b0f25344baf83ca294','f1cbeefb59590f50290930f601ef1ca33ac6924a085024a55754c297a9ac6603');
CREATE TABLE patient (clinic_id TEXT NOT NULL, id TEXT NOT NULL, mrn TEXT NOT NULL, name TEXT NOT NULL, birth_date TEXT NOT NULL, phone TEXT NOT NULL, email TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (clinic_id, id), CONSTRAINT status_known CHECK (status IN ('active', 'on-hold', 'inactive', 'entered-in-error'))) STRICT;
INSERT INTO "patient" VALUES('main','PANANE','N1001','Yara Sánchez','1988-03-14','+1 555 0100','n1001@example.org','active');
INSERT INTO "patient" VALUES('main','PYE6CD','N1002','Ben Vogt','1975-11-02','+1 555 0100','n1002@example.org','active');
INSERT INTO "patient" VALUES('main','PJ723Z','N1003','Elif Horvat','1992-07-21','+1 555 0100','n1003@example.org','active');
INSERT INTO "patient" VALUES('main','P5ZXTQ','N1004','Kofi Jones','1969-01-30','+1 555 0100','n1004@example.org','active');
INSERT INTO "patient" VALUES('main','PSRSHZ','N1005','Zoë O''Neill','1981-09-09','+1 555 0100','n1005@example.org','active');
INSERT INTO "patient" VALUES('main','PDHN8R','N1006','Søren Łukasik','1957-05-17','+1 555 0100','n1006@example.org','active');
CREATE TABLE patient_word (clinic_id TEXT NOT NULL, word TEXT NOT NULL, patient_id TEXT NOT NULL, PRIMARY KEY (clinic_id, word, patient_id), FOREIGN KEY(clinic_id, patient_id) REFERENCES patient (clinic_id, id)) WITHOUT ROWID, STRICT;
INSERT INTO "patient_word" VALUES('main','jones','P5ZXTQ');
INSERT INTO "patient_word" VALUES('main','kofi','P5ZXTQ');
INSERT INTO "patient_word" VALUES('main','sanchez','PANANE');
INSERT INTO "patient_word" VALUES('main','yara','PANANE');
INSERT INTO "patient_word" VALUES('main','søren','PDHN8R');
INSERT INTO "patient_word" VALUES('main','łukasik','PDHN8R');
INSERT INTO "patient_word" VALUES('main','elif','PJ723Z');
INSERT INTO "patient_word" VALUES('main','horvat','PJ723Z');
INSERT INTO "patient_word" VALUES('main','oneill','PSRSHZ');
INSERT INTO "patient_word" VALUES('main','zoe','PSRSHZ');
INSERT INTO "patient_word" VALUES('main','ben','PYE6CD');
INSERT INTO "patient_word" VALUES('main','vogt','PYE6CD');
CREATE TABLE payload (clinic_id TEXT NOT NULL, seq INTEGER NOT NULL, salt TEXT NOT NULL, changes TEXT NOT NULL, PRIMARY KEY (clinic_id, seq), FOREIGN KEY(clinic_id, seq) REFERENCES operation (clinic_id, seq)) STRICT;
INSERT INTO "payload" VALUES('main',1,'cd741d454016ff0339e12ea13bdad6af','[{"op":"create","entity":"clinic","id":"main","before":null,"after":{"id":"main","text":"# A fictional clinic, the one of `infusion demo`: four chairs, two nurses, IV series, esketamine, long pain infusions.\n# Its figures are examples; the starter file that `infusion init` writes says where such figures come from.\nschema = 1\n\n[clinic]\nname = \"Northgate Ketamine & Wellness\"\npublic_name = \"Northgate Clinic\"            # the only name that may leave the clinic in an invite or reminder\ntimezone = \"America/New_York\"\nphone = \"+1 518 555 0100\"\nemail = \"desk@northgate.example\"\naddress = \"7 North Gate Road, Albany, NY 12207\"\ngrid = 15                                # minutes; every visit starts on this grid\ncancel_notice = \"24h\"\n\n[[hours]]\ndays = [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"]\nopen = \"08:00\"\nclose = \"17:00\"\n\n[[closures]]\ndate = \"2026-11-26\"\nreason = \"Thanksgiving Day\"\n\n[[closures]]\ndate = \"2026-12-25\"\nreason = \"Christmas Day\"\n\n[[closures]]\ndate = \"2027-01-01\"\nreason = \"New Year''s Day\"\n\n[[chairs]]\nid = \"chair-1\"\nname = \"Maple\"\nprotocols = [\"*\"]\n\n[[chairs]]\nid = \"chair-2\"\nname = \"Birch\"\nprotocols = [\"*\"]\n\n[[chairs]]\nid = \"chair-3\"\nname = \"Quiet room\"\nprotocols = [\"iv-mood\", \"iv-pain\", \"consult\"]\n\n[[chairs]]\nid = \"chair-4\"\nname = \"Willow\"\nprotocols = [\"esketamine\", \"iv-mood\", \"iv-booster\"]\n\n[[staff]]\nid = \"rn-hale\"\nrole = \"nurse\"\nshifts = [{ days = [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"], from = \"07:45\", to = \"17:15\" }]\n\n[[staff]]\nid = \"rn-duarte\"\nrole = \"nurse\"\nshifts = [{ days = [\"MO\", \"TU\", \"WE\", \"TH\"], from = \"07:45\", to = \"17:15\" }]\n\n[[staff]]\nid = \"dr-amari\"\nrole = \"provider\"\nshifts = [{ days = [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"], from = \"08:00\", to = \"17:00\" }]\n\n[[protocols]]\nid = \"iv-mood\"\ntitle = \"IV ketamine, mood\"\nprovider = true\nrequires = [\"evaluation\", \"consent\", \"clearance\"]\nphases = [\n  { name = \"preparation\", minutes = 20, patients_per_nurse = 3, hands_on = true },\n  { name = \"infusion\", minutes = 40, patients_per_nurse = 2, dosing = true },\n  { name = \"monitoring\", minutes = 30, patients_per_nurse = 3 },\n  { name = \"turnover\", minutes = 15, after_leave = true },\n]\ncourse = [\n  { name = \"induction\", sessions = 6, gap = { min = \"24h\", tight = \"48h\", ideal = \"2d-4d\", long = \"5d\" }, window = \"21d\", review_after = 3 },\n]\n\n[[protocols]]\nid = \"iv-booster\"\ntitle = \"IV ketamine, maintenance\"\nprovider = true\nrequires = [\"evaluation\", \"consent\"]\nphases = [\n  { name = \"preparation\", minutes = 20, patients_per_nurse = 3, hands_on = true },\n  { name = \"infusion\", minutes = 40, patients_per_nurse = 2, dosing = true },\n  { name = \"monitoring\", minutes = 30, patients_per_nurse = 3 },\n  { name = \"turnover\", minutes = 15, after_leave = true },\n]\ncourse = [\n  { name = \"taper\", sessions = 3, gap = { min = \"7d\", tight = \"10d\", ideal = \"14d-21d\", long = \"28d\" } },\n  { name = \"maintenance\", sessions = \"open\", gap = { min = \"7d\", tight = \"14d\", ideal = \"28d-42d\", long = \"84d\" } },\n]\n\n[[protocols]]\nid = \"iv-pain\"\ntitle = \"IV ketamine, chronic pain\"\nprovider = true\nrequires = [\"evaluation\", \"consent\", \"clearance\", \"labs\"]\nphases = [\n  { name = \"preparation\", minutes = 30, patients_per_nurse = 3, hands_on = true },\n  { name = \"infusion\", minutes = 240, patients_per_nurse = 3, dosing = true },\n  { name = \"monitoring\", minutes = 60, patients_per_nurse = 3 },\n  { name = \"turnover\", minutes = 15, after_leave = true },\n]\ncourse = [\n  { name = \"infusion block\", sessions = 5, gap = { min = \"20h\", ideal = \"1d\", long = \"3d\" }, window = \"9d\" },\n]\n\n[[protocols]]\nid = \"esketamine\"\ntitle = \"Esketamine nasal spray\"\nprovider = true\nrequires = [\"evaluation\", \"consent\", \"rems-enrolment\"]\nobservation_minimum = 120                # regulatory; a smaller figure is refused\nper_protocol_week = 2\nphases = [\n  { name = \"preparation\", minutes = 15, patients_per_nurse = 4, hands_on = true },\n  { name = \"dosing\", minutes = 10, patients_per_nurse = 4, hands_on = true, dosing = true },\n  { name = \"observation\", minutes = 125, patients_per_nurse = 4, observation = true },\n  { name = \"turnover\", minutes = 10, after_leave = true },\n]\ncourse = [\n  { name = \"induction\", sessions = 8, gap = { min = \"20h\", tight = \"48h\", ideal = \"3d-4d\", long = \"7d\" }, window = \"28d\" },\n  { name = \"weekly\", sessions = 4, gap = { min = \"3d\", tight = \"5d\", ideal = \"7d\", long = \"10d\" }, review_before = true },\n  { name = \"maintenance\", sessions = \"open\", gap = { min = \"3d\", tight = \"5d\", ideal = \"7d-14d\", long = \"21d\" } },\n]\n\n[[protocols]]\nid = \"consult\"\ntitle = \"Consultation\"\nprovider = true\nphases = [{ name = \"consultation\", minutes = 60, provider_hands = true }]\n","data":"{\"schema\": 1, \"clinic\": {\"name\": \"Northgate Ketamine & Wellness\", \"public_name\": \"Northgate Clinic\", \"timezone\": \"America/New_York\", \"grid\": 15, \"cancel_notice\": \"24h\", \"phone\": \"+1 518 555 0100\", \"email\": \"desk@northgate.example\", \"address\": \"7 North Gate Road, Albany, NY 12207\"}, \"hours\": [{\"days\": [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"], \"open\": \"08:00\", \"close\": \"17:00\"}], \"closures\": [{\"date\": \"2026-11-26\", \"reason\": \"Thanksgiving Day\"}, {\"date\": \"2026-12-25\", \"reason\": \"Christmas Day\"}, {\"date\": \"2027-01-01\", \"reason\": \"New Year''s Day\"}], \"chairs\": [{\"id\": \"chair-1\", \"name\": \"Maple\", \"protocols\": [\"*\"]}, {\"id\": \"chair-2\", \"name\": \"Birch\", \"protocols\": [\"*\"]}, {\"id\": \"chair-3\", \"name\": \"Quiet room\", \"protocols\": [\"iv-mood\", \"iv-pain\", \"consult\"]}, {\"id\": \"chair-4\", \"name\": \"Willow\", \"protocols\": [\"esketamine\", \"iv-mood\", \"iv-booster\"]}], \"staff\": [{\"id\": \"rn-hale\", \"role\": \"nurse\", \"shifts\": [{\"days\": [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"], \"from\": \"07:45\", \"to\": \"17:15\"}]}, {\"id\": \"rn-duarte\", \"role\": \"nurse\", \"shifts\": [{\"days\": [\"MO\", \"TU\", \"WE\", \"TH\"], \"from\": \"07:45\", \"to\": \"17:15\"}]}, {\"id\": \"dr-amari\", \"role\": \"provider\", \"shifts\": [{\"days\": [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\"], \"from\": \"08:00\", \"to\": \"17:00\"}]}], \"protocols\": [{\"id\": \"iv-mood\", \"title\": \"IV ketamine, mood\", \"provider\": true, \"requires\": [\"evaluation\", \"consent\", \"clearance\"], \"phases\": [{\"name\": \"preparation\", \"minutes\": 20, \"patients_per_nurse\": 3, \"hands_on\": true}, {\"name\": \"infusion\", \"minutes\": 40, \"patients_per_nurse\": 2, \"dosing\": true}, {\"name\": \"monitoring\", \"minutes\": 30, \"patients_per_nurse\": 3}, {\"name\": \"turnover\", \"minutes\": 15, \"after_leave\": true}], \"course\": [{\"name\": \"induction\", \"sessions\": 6, \"gap\": {\"min\": \"24h\", \"ideal\": \"2d-4d\", \"tight\": \"48h\", \"long\": \"5d\"}, \"window\": \"21d\", \"review_after\": 3}]}, {\"id\": \"iv-booster\", \"title\": \"IV ketamine, maintenance\", \"provider\": true, \"requires\": [\"evaluation\", \"consent\"], \"phases\": [{\"name\": \"preparation\", \"minutes\": 20, \"patients_per_nurse\": 3, \"hands_on\": true}, {\"name\": \"infusion\", \"minutes\": 40, \"patients_per_nurse\": 2, \"dosing\": true}, {\"name\": \"monitoring\", \"minutes\": 30, \"patients_per_nurse\": 3}, {\"name\": \"turnover\", \"minutes\": 15, \"after_leave\": true}], \"course\": [{\"name\": \"taper\", \"sessions\": 3, \"gap\": {\"min\": \"7d\", \"ideal\": \"14d-21d\", \"tight\": \"10d\", \"long\": \"28d\"}}, {\"name\": \"maintenance\", \"sessions\": \"open\", \"gap\": {\"min\": \"7d\", \"ideal\": \"28d-42d\", \"tight\": \"14d\", \"long\": \"84d\"}}]}, {\"id\": \"iv-pain\", \"title\": \"IV ketamine, chronic pain\", \"provider\": true, \"requires\": [\"evaluation\", \"consent\", \"clearance\", \"labs\"], \"phases\": [{\"name\": \"preparation\", \"minutes\": 30, \"patients_per_nurse\": 3, \"hands_on\": true}, {\"name\": \"infusion\", \"minutes\": 240, \"patients_per_nurse\": 3, \"dosing\": true}, {\"name\": \"monitoring\", \"minutes\": 60, \"patients_per_nurse\": 3}, {\"name\": \"turnover\", \"minutes\": 15, \"after_leave\": true}], \"course\": [{\"name\": \"infusion block\", \"sessions\": 5, \"gap\": {\"min\": \"20h\", \"ideal\": \"1d\", \"long\": \"3d\"}, \"window\": \"9d\"}]}, {\"id\": \"esketamine\", \"title\": \"Esketamine nasal spray\", \"provider\": true, \"requires\": [\"evaluation\", \"consent\", \"rems-enrolment\"], \"phases\": [{\"name\": \"preparation\", \"minutes\": 15, \"patients_per_nurse\": 4, \"hands_on\": true}, {\"name\": \"dosing\", \"minutes\": 10, \"patients_per_nurse\": 4, \"hands_on\": true, \"dosing\": true}, {\"name\": \"observation\", \"minutes\": 125, \"patients_per_nurse\": 4, \"observation\": true}, {\"name\": \"turnover\", \"minutes\": 10, \"after_leave\": true}], \"course\": [{\"name\": \"induction\", \"sessions\": 8, \"gap\": {\"min\": \"20h\", \"ideal\": \"3d-4d\", \"tight\": \"48h\", \"long\": \"7d\"}, \"window\": \"28d\"}, {\"name\": \"weekly\", \"sessions\": 4, \"gap\": {\"min\": \"3d\", \"ideal\": \"7d\", \"tight\": \"5d\", \"long\": \"10d\"}, \"review_before\": true}, {\"name\": \"maintenance\", \"sessions\": \"open\", \"gap\": {\"min\": \"3d\", \"ideal\": \"7d-14d\", \"tight\": \"5d\", \"long\": \"21d\"}}], \"observation_minimum\": 120, \"per_protocol_week\": 2}, {\"id\": \"consult\", \"title\": \"Consultation\", \"provider\": true, \"requires\": [], \"phases\": [{\"name\": \"consultation\", \"minutes\": 60, \"provider_hands\": true}], \"course\": []}]}"}}]');
INSERT INTO "payload" VALUES('main',2,'b2c8645a658893ad1faf484fff74c924','[{"op":"create","entity":"patient","id":"PANANE","before":null,"after":{"id":"PANANE","mrn":"N1001","name":"Yara Sánchez","birth_date":"1988-03-14","phone":"+1 555 0100","email":"n1001@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}},{"op":"create","entity":"patient","id":"PYE6CD","before":null,"after":{"id":"PYE6CD","mrn":"N1002","name":"Ben Vogt","birth_date":"1975-11-02","phone":"+1 555 0100","email":"n1002@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}},{"op":"create","entity":"patient","id":"PJ723Z","before":null,"after":{"id":"PJ723Z","mrn":"N1003","name":"Elif Horvat","birth_date":"1992-07-21","phone":"+1 555 0100","email":"n1003@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}},{"op":"create","entity":"patient","id":"P5ZXTQ","before":null,"after":{"id":"P5ZXTQ","mrn":"N1004","name":"Kofi Jones","birth_date":"1969-01-30","phone":"+1 555 0100","email":"n1004@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}},{"op":"create","entity":"patient","id":"PSRSHZ","before":null,"after":{"id":"PSRSHZ","mrn":"N1005","name":"Zoë O''Neill","birth_date":"1981-09-09","phone":"+1 555 0100","email":"n1005@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}},{"op":"create","entity":"patient","id":"PDHN8R","before":null,"after":{"id":"PDHN8R","mrn":"N1006","name":"Søren Łukasik","birth_date":"1957-05-17","phone":"+1 555 0100","email":"n1006@example.org","status":"active","requirements":{"clearance":"2026-11-16","consent":"2026-11-16","evaluation":"2026-11-16","labs":"2026-11-16","rems-enrolment":"2026-11-16"}}}]');
INSERT INTO "payload" VALUES('main',3,'ccacb2c44a3daea4ee41bbfdb145ebbc','[{"op":"create","entity":"series","id":"SANANR","before":null,"after":{"id":"SANANR","patient":"PANANE","protocol":"iv-mood","status":"active","ordered":6,"course":[{"name":"induction","sessions":6,"gap":{"min":"24h","ideal":"2d-4d","tight":"48h","long":"5d"},"window":"21d","review_after":3}],"authorised_visits":null,"authorised_until":null}},{"op":"create","entity":"appointment","id":"AANAND","before":null,"after":{"id":"AANAND","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":1,"start":"2026-11-30T08:00:00-05:00","end":"2026-11-30T09:45:00-05:00","leave":"2026-11-30T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-11-30T08:00","zone":"America/New_York","uid":"e687dafe8fd865ec16c0cd7c7fc021eb@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}},{"op":"create","entity":"appointment","id":"AYE6CE","before":null,"after":{"id":"AYE6CE","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":2,"start":"2026-12-02T08:00:00-05:00","end":"2026-12-02T09:45:00-05:00","leave":"2026-12-02T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-02T08:00","zone":"America/New_York","uid":"774c081a0b6e61fe6009ceb43b005034@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}},{"op":"create","entity":"appointment","id":"AJ723W","before":null,"after":{"id":"AJ723W","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":3,"start":"2026-12-04T08:00:00-05:00","end":"2026-12-04T09:45:00-05:00","leave":"2026-12-04T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-04T08:00","zone":"America/New_York","uid":"ecf831c6fe36b28fc65ea578d7a386f4@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}},{"op":"create","entity":"appointment","id":"A5ZXTM","before":null,"after":{"id":"A5ZXTM","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":4,"start":"2026-12-07T08:00:00-05:00","end":"2026-12-07T09:45:00-05:00","leave":"2026-12-07T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-07T08:00","zone":"America/New_York","uid":"ff3bccac66386bee79bad7b58a2d96f1@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[{"rule":"review-due","message":"a clinician''s review is due before session 4"}]}},{"op":"create","entity":"appointment","id":"ASRSHW","before":null,"after":{"id":"ASRSHW","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":5,"start":"2026-12-09T08:00:00-05:00","end":"2026-12-09T09:45:00-05:00","leave":"2026-12-09T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-09T08:00","zone":"America/New_York","uid":"c2c8b962cec165335f028150afe910e0@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}},{"op":"create","entity":"appointment","id":"ADHN8V","before":null,"after":{"id":"ADHN8V","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":6,"start":"2026-12-11T08:00:00-05:00","end":"2026-12-11T09:45:00-05:00","leave":"2026-12-11T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-11T08:00","zone":"America/New_York","uid":"1d396c7514e299668a5b48f9ef370007@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}}]');
INSERT INTO "payload" VALUES('main',4,'46a88c31324289e2958cc877f296b101','[{"op":"create","entity":"appointment","id":"A1AGZW","before":null,"after":{"id":"A1AGZW","patient":"PJ723Z","protocol":"iv-mood","series":null,"session":null,"start":"2026-12-01T13:00:00-05:00","end":"2026-12-01T14:45:00-05:00","leave":"2026-12-01T14:30:00-05:00","chair":"chair-3","status":"pending","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-01T13:00","zone":"America/New_York","uid":"3256c04e81c08b7c1fedad59ba6b98d8@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":"2026-11-23T08:30:00-05:00","confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}}]');
INSERT INTO "payload" VALUES('main',5,'4acaab450e9acbaa83d675481e037ef8','[{"op":"create","entity":"appointment","id":"AN3CPM","before":null,"after":{"id":"AN3CPM","patient":"P5ZXTQ","protocol":"iv-mood","series":null,"session":null,"start":"2026-12-02T09:00:00-05:00","end":"2026-12-02T10:45:00-05:00","leave":"2026-12-02T10:30:00-05:00","chair":"chair-4","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-02T09:00","zone":"America/New_York","uid":"5357015d3d0d16c368f2f89460afb15c@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]}}]');
INSERT INTO "payload" VALUES('main',6,'f108d61008a7bf9193221e690f090319','[{"op":"update","entity":"appointment","id":"AYE6CE","before":{"id":"AYE6CE","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":2,"start":"2026-12-02T08:00:00-05:00","end":"2026-12-02T09:45:00-05:00","leave":"2026-12-02T09:30:00-05:00","chair":"chair-3","status":"booked","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-02T08:00","zone":"America/New_York","uid":"774c081a0b6e61fe6009ceb43b005034@calendar.invalid","sequence":0,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"","cancelled_by":"","late":false,"ride":"","warnings":[]},"after":{"id":"AYE6CE","patient":"PANANE","protocol":"iv-mood","series":"SANANR","session":2,"start":"2026-12-02T08:00:00-05:00","end":"2026-12-02T09:45:00-05:00","leave":"2026-12-02T09:30:00-05:00","chair":"chair-3","status":"cancelled","phases":[{"name":"preparation","minutes":20,"patients_per_nurse":3,"hands_on":true},{"name":"infusion","minutes":40,"patients_per_nurse":2,"dosing":true},{"name":"monitoring","minutes":30,"patients_per_nurse":3},{"name":"turnover","minutes":15,"after_leave":true}],"wall":"2026-12-02T08:00","zone":"America/New_York","uid":"774c081a0b6e61fe6009ceb43b005034@calendar.invalid","sequence":1,"stamp":"2026-11-23T08:00:00-05:00","key":null,"hold_until":null,"confirmed_at":null,"arrived_at":null,"started_at":null,"left_at":null,"overrides":[],"reason":"cold","cancelled_by":"patient","late":false,"ride":"","warnings":[]}}]');
INSERT INTO "payload" VALUES('main',7,'e5570095864b9a74d146bbe29a28b9cf','[{"op":"create","entity":"block","id":"BANAN8","before":null,"after":{"id":"BANAN8","kind":"chair","subject":"chair-1","start":"2026-12-03T09:00:00-05:00","end":"2026-12-03T12:00:00-05:00","reason":"lamp broken","status":"active","staff":[]}}]');
INSERT INTO "payload" VALUES('main',8,'c7b2eaad4d7e6401083265bcac99fad5','[{"op":"update","entity":"block","id":"BANAN8","before":{"id":"BANAN8","kind":"chair","subject":"chair-1","start":"2026-12-03T09:00:00-05:00","end":"2026-12-03T12:00:00-05:00","reason":"lamp broken","status":"active","staff":[]},"after":{"id":"BANAN8","kind":"chair","subject":"chair-1","start":"2026-12-03T09:00:00-05:00","end":"2026-12-03T12:00:00-05:00","reason":"lamp broken","status":"entered-in-error","staff":[]}}]');
CREATE TABLE requirement (clinic_id TEXT NOT NULL, patient_id TEXT NOT NULL, requirement TEXT NOT NULL, on_date TEXT NOT NULL, PRIMARY KEY (clinic_id, patient_id, requirement), FOREIGN KEY(clinic_id, patient_id) REFERENCES patient (clinic_id, id)) WITHOUT ROWID, STRICT;
INSERT INTO "requirement" VALUES('main','P5ZXTQ','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','P5ZXTQ','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','P5ZXTQ','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','P5ZXTQ','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','P5ZXTQ','rems-enrolment','2026-11-16');
INSERT INTO "requirement" VALUES('main','PANANE','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','PANANE','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','PANANE','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','PANANE','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','PANANE','rems-enrolment','2026-11-16');
INSERT INTO "requirement" VALUES('main','PDHN8R','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','PDHN8R','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','PDHN8R','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','PDHN8R','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','PDHN8R','rems-enrolment','2026-11-16');
INSERT INTO "requirement" VALUES('main','PJ723Z','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','PJ723Z','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','PJ723Z','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','PJ723Z','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','PJ723Z','rems-enrolment','2026-11-16');
INSERT INTO "requirement" VALUES('main','PSRSHZ','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','PSRSHZ','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','PSRSHZ','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','PSRSHZ','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','PSRSHZ','rems-enrolment','2026-11-16');
INSERT INTO "requirement" VALUES('main','PYE6CD','clearance','2026-11-16');
INSERT INTO "requirement" VALUES('main','PYE6CD','consent','2026-11-16');
INSERT INTO "requirement" VALUES('main','PYE6CD','evaluation','2026-11-16');
INSERT INTO "requirement" VALUES('main','PYE6CD','labs','2026-11-16');
INSERT INTO "requirement" VALUES('main','PYE6CD','rems-enrolment','2026-11-16');
CREATE TABLE resource (clinic_id TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, capacity INTEGER NOT NULL, seq INTEGER NOT NULL, lowered_at INTEGER NOT NULL, PRIMARY KEY (clinic_id, id), UNIQUE (clinic_id, kind, ref), CONSTRAINT kind_known CHECK (kind IN ('chair', 'patient', 'hands', 'attention', 'provider')), CONSTRAINT capacity_counts CHECK (capacity >= 0)) STRICT;
INSERT INTO "resource" VALUES('main',1,'chair','chair-1',1,0,0);
INSERT INTO "resource" VALUES('main',2,'chair','chair-2',1,0,0);
INSERT INTO "resource" VALUES('main',3,'chair','chair-3',1,0,0);
INSERT INTO "resource" VALUES('main',4,'chair','chair-4',1,0,0);
INSERT INTO "resource" VALUES('main',5,'hands','',2,0,0);
INSERT INTO "resource" VALUES('main',6,'attention','',5040,0,0);
INSERT INTO "resource" VALUES('main',7,'provider','',1,0,0);
INSERT INTO "resource" VALUES('main',8,'patient','PANANE',1,0,0);
INSERT INTO "resource" VALUES('main',9,'patient','PYE6CD',1,0,0);
INSERT INTO "resource" VALUES('main',10,'patient','PJ723Z',1,0,0);
INSERT INTO "resource" VALUES('main',11,'patient','P5ZXTQ',1,0,0);
INSERT INTO "resource" VALUES('main',12,'patient','PSRSHZ',1,0,0);
INSERT INTO "resource" VALUES('main',13,'patient','PDHN8R',1,0,0);
CREATE TABLE series (clinic_id TEXT NOT NULL, id TEXT NOT NULL, patient TEXT NOT NULL, protocol TEXT NOT NULL, status TEXT NOT NULL, ordered INTEGER NOT NULL, course TEXT NOT NULL, authorised_visits INTEGER, authorised_until TEXT, made INTEGER NOT NULL, PRIMARY KEY (clinic_id, id), FOREIGN KEY(clinic_id, patient) REFERENCES patient (clinic_id, id), CONSTRAINT status_known CHECK (status IN ('active', 'on-hold', 'completed', 'revoked', 'entered-in-error'))) STRICT;
INSERT INTO "series" VALUES('main','SANANR','PANANE','iv-mood','active',6,'[{"name":"induction","sessions":6,"gap":{"min":"24h","ideal":"2d-4d","tight":"48h","long":"5d"},"window":"21d","review_after":3}]',NULL,NULL,3);
ANALYZE "sqlite_master";
INSERT INTO "sqlite_stat1" VALUES('block','sqlite_autoindex_block_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('block','block_end','100000 100000 20 20');
INSERT INTO "sqlite_stat1" VALUES('clinic','sqlite_autoindex_clinic_1','100000 1');
INSERT INTO "sqlite_stat1" VALUES('counter','counter','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('operation','sqlite_autoindex_operation_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('operation','sqlite_autoindex_operation_2','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('operation','operation_undoes','100 100 20');
INSERT INTO "sqlite_stat1" VALUES('patient','sqlite_autoindex_patient_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('patient','patient_mrn','100000 100000 20');
INSERT INTO "sqlite_stat1" VALUES('resource','sqlite_autoindex_resource_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('resource','sqlite_autoindex_resource_2','100000 100000 20 1');
INSERT INTO "sqlite_stat1" VALUES('idempotency','sqlite_autoindex_idempotency_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('idempotency','idempotency_operation','100000 100000 20');
INSERT INTO "sqlite_stat1" VALUES('patient_word','patient_word','100000 100000 20 1');
INSERT INTO "sqlite_stat1" VALUES('patient_word','patient_word_of','100000 100000 20');
INSERT INTO "sqlite_stat1" VALUES('payload','sqlite_autoindex_payload_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('requirement','requirement','100000 100000 20 1');
INSERT INTO "sqlite_stat1" VALUES('series','sqlite_autoindex_series_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('series','series_patient','100000 100000 20');
INSERT INTO "sqlite_stat1" VALUES('touched','touched','100000 100000 20 1');
INSERT INTO "sqlite_stat1" VALUES('appointment','sqlite_autoindex_appointment_1','100000 100000 1');
INSERT INTO "sqlite_stat1" VALUES('appointment','appointment_hold','100 100 20');
INSERT INTO "sqlite_stat1" VALUES('appointment','appointment_patient','100000 100000 20 20');
INSERT INTO "sqlite_stat1" VALUES('appointment','appointment_start','100000 100000 20');
INSERT INTO "sqlite_stat1" VALUES('claim','claim','100000 100000 20 20 1');
INSERT INTO "sqlite_stat1" VALUES('claim','claim_appointment','100000 100000 20');
CREATE TABLE touched (clinic_id TEXT NOT NULL, record_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (clinic_id, record_id, seq), FOREIGN KEY(clinic_id, seq) REFERENCES operation (clinic_id, seq)) WITHOUT ROWID, STRICT;
INSERT INTO "touched" VALUES('main','A1AGZW',4);
INSERT INTO "touched" VALUES('main','A5ZXTM',3);
INSERT INTO "touched" VALUES('main','AANAND',3);
INSERT INTO "touched" VALUES('main','ADHN8V',3);
INSERT INTO "touched" VALUES('main','AJ723W',3);
INSERT INTO "touched" VALUES('main','AN3CPM',5);
INSERT INTO "touched" VALUES('main','ASRSHW',3);
INSERT INTO "touched" VALUES('main','AYE6CE',3);
INSERT INTO "touched" VALUES('main','AYE6CE',6);
INSERT INTO "touched" VALUES('main','BANAN8',7);
INSERT INTO "touched" VALUES('main','BANAN8',8);
INSERT INTO "touched" VALUES('main','P5ZXTQ',2);
INSERT INTO "touched" VALUES('main','PANANE',2);
INSERT INTO "touched" VALUES('main','PDHN8R',2);
INSERT INTO "touched" VALUES('main','PJ723Z',2);
INSERT INTO "touched" VALUES('main','PSRSHZ',2);
INSERT INTO "touched" VALUES('main','PYE6CD',2);
INSERT INTO "touched" VALUES('main','SANANR',3);
INSERT INTO "touched" VALUES('main','main',1);
CREATE INDEX block_end ON block (clinic_id, "end", start);
CREATE INDEX operation_undoes ON operation (clinic_id, undoes) WHERE undoes IS NOT NULL;
CREATE INDEX patient_mrn ON patient (clinic_id, mrn);
CREATE INDEX idempotency_operation ON idempotency (clinic_id, operation_id);
CREATE INDEX patient_word_of ON patient_word (clinic_id, patient_id);
CREATE INDEX series_patient ON series (clinic_id, patient);
CREATE INDEX appointment_hold ON appointment (clinic_id, hold_until) WHERE status = 'pending';
CREATE INDEX appointment_patient ON appointment (clinic_id, patient, start);
CREATE INDEX appointment_start ON appointment (clinic_id, start);
CREATE INDEX claim_appointment ON claim (clinic_id, appointment_id);
CREATE TRIGGER claim_capacity BEFORE INSERT ON claim
WHEN NEW.units + (
  SELECT coalesce(sum(c.units), 0) FROM claim AS c
  WHERE c.clinic_id = NEW.clinic_id AND c.resource_id = NEW.resource_id
    AND c.t0 > NEW.t0 - 86400 AND c.t0 < NEW.t1 AND c.t1 > NEW.t0
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
      AND c.t0 > point.at - 86400 AND c.t0 <= point.at AND c.t1 > point.at
  ) > coalesce((SELECT capacity FROM resource WHERE clinic_id = NEW.clinic_id AND id = NEW.resource_id), 0);
END;
CREATE TRIGGER claim_update BEFORE UPDATE ON claim
BEGIN
  SELECT RAISE(ABORT, 'guard:claim-update');
END;
CREATE TRIGGER resource_insert BEFORE INSERT ON resource
WHEN EXISTS (
  SELECT 1 FROM resource
  WHERE clinic_id = NEW.clinic_id AND (id = NEW.id OR (kind = NEW.kind AND ref = NEW.ref))
)
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-replace');
END;
CREATE TRIGGER resource_delete BEFORE DELETE ON resource
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-delete');
END;
CREATE TRIGGER resource_identity BEFORE UPDATE ON resource
WHEN NEW.clinic_id <> OLD.clinic_id OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.ref <> OLD.ref
BEGIN
  SELECT RAISE(ABORT, 'guard:resource-identity');
END;
CREATE TRIGGER resource_lower BEFORE UPDATE ON resource
WHEN NEW.capacity < OLD.capacity
BEGIN
  SELECT RAISE(ABORT, 'guard:lowering') FROM claim AS point
  WHERE point.clinic_id = OLD.clinic_id AND point.resource_id = OLD.id
    AND point.t0 > NEW.lowered_at - 86400 AND point.t1 > NEW.lowered_at
    AND (
      SELECT sum(c.units) FROM claim AS c
      WHERE c.clinic_id = OLD.clinic_id AND c.resource_id = OLD.id
        AND c.t0 > point.t0 - 86400 AND c.t0 <= point.t0 AND c.t1 > point.t0 AND c.t1 > NEW.lowered_at
    ) > NEW.capacity;
END;
CREATE TRIGGER operation_insert BEFORE INSERT ON operation
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM operation WHERE clinic_id = NEW.clinic_id)
  OR NEW.prev <> coalesce(
    (SELECT hash FROM operation WHERE clinic_id = NEW.clinic_id ORDER BY seq DESC LIMIT 1), '')
  OR EXISTS (SELECT 1 FROM operation WHERE clinic_id = NEW.clinic_id AND id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-order');
END;
CREATE TRIGGER operation_update BEFORE UPDATE ON operation
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END;
CREATE TRIGGER operation_delete BEFORE DELETE ON operation
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END;
CREATE TRIGGER payload_insert BEFORE INSERT ON payload
WHEN EXISTS (SELECT 1 FROM payload WHERE clinic_id = NEW.clinic_id AND seq = NEW.seq)
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END;
CREATE TRIGGER payload_update BEFORE UPDATE ON payload
WHEN NEW.clinic_id <> OLD.clinic_id OR NEW.seq <> OLD.seq OR NEW.changes <> '' OR NEW.salt <> ''
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END;
CREATE TRIGGER payload_delete BEFORE DELETE ON payload
BEGIN
  SELECT RAISE(ABORT, 'guard:journal-append-only');
END;
COMMIT;
