"""Public models of FHIR that Bundles are read with, strictly: R5 by one library, R4 by two."""

from __future__ import annotations

import json
from typing import Any

from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from fhirclient.models.bundle import Bundle as BundleR4  # type: ignore[import-untyped]  # it has no types

read_by_client: Any = BundleR4


def validate(data: bytes, release: str) -> None:
    """Raise what the libraries raise for a Bundle that is not one of that release."""
    if release == "R5":
        BundleR5.model_validate_json(data)
        return
    BundleR4B.model_validate_json(data)
    read_by_client(json.loads(data), strict=True)
