"""What a visit claims of chairs, people and attention."""

from __future__ import annotations

from builders import CONSULT, clinic, nurse, provider, visit

from infusion_cli.domain.book import LIVE
from infusion_cli.domain.claims import Claim, capacities_of, claims_of
from infusion_cli.domain.clinic import Chair
from infusion_cli.domain.protocol import Phase


def test_a_visit_claims_chair_and_patient_for_its_length_and_staff_by_phase() -> None:
    v = visit()
    minute = [v.start + 60 * n for n in range(106)]
    assert claims_of(v) == [
        Claim("chair", "chair-1", minute[0], minute[105], 1),
        Claim("patient", v.patient, minute[0], minute[105], 1),
        Claim("hands", "", minute[0], minute[20], 1),
        Claim("attention", "", minute[0], minute[20], 840),
        Claim("attention", "", minute[20], minute[60], 1260),
        Claim("attention", "", minute[60], minute[90], 840),
    ]


def test_neighbouring_phases_with_the_same_need_are_one_claim() -> None:
    phases = (
        Phase("preparation", 15, patients_per_nurse=4, hands_on=True),
        Phase("dosing", 10, patients_per_nurse=4, hands_on=True, dosing=True),
        Phase("observation", 125, patients_per_nurse=4, observation=True),
    )
    v = visit(phases=phases)
    staff = [(c.kind, (c.t1 - c.t0) // 60, c.units) for c in claims_of(v) if c.kind in {"hands", "attention"}]
    assert staff == [("hands", 25, 1), ("attention", 150, 630)]


def test_a_phase_of_no_length_claims_nothing() -> None:
    phases = (Phase("hello", 0, hands_on=True), Phase("infusion", 105))
    assert [c.kind for c in claims_of(visit(phases=phases))] == ["chair", "patient"]


def test_a_consultation_claims_the_hands_of_a_provider() -> None:
    kinds = [(c.kind, c.units) for c in claims_of(visit(protocol=CONSULT))]
    assert kinds == [("chair", 1), ("patient", 1), ("provider", 1)]


def test_an_overridden_visit_claims_no_staff() -> None:
    assert [c.kind for c in claims_of(visit(overrides=("staff-short",)))] == ["chair", "patient"]


def test_only_a_live_visit_claims_anything() -> None:
    claiming = {status for status in (*LIVE, "cancelled", "noshow", "waitlist") if claims_of(visit(status=status))}
    assert claiming == LIVE


def test_the_ceiling_is_the_staff_of_the_clinic_whatever_their_shifts() -> None:
    of = clinic(chairs=(Chair("a", "A"), Chair("b", "B")), staff=(nurse(1), nurse(2), nurse(3), provider(1)))
    assert capacities_of(of) == {
        ("chair", "a"): 1,
        ("chair", "b"): 1,
        ("hands", ""): 3,
        ("attention", ""): 7560,
        ("provider", ""): 1,
    }
