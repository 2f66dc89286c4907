"""Proofs: verify published hours and stored bytes, repair them, and say how fresh the lake is."""

from clickstream.pipeline.proof.freshness import (
    Freshness,
    FreshnessLimits,
    Health,
    lake_freshness,
    measure_freshness,
)
from clickstream.pipeline.proof.repair import repair
from clickstream.pipeline.proof.report import Finding, VerifyReport
from clickstream.pipeline.proof.stored_bytes import BytesReport, Damage, check_stored_bytes
from clickstream.pipeline.proof.verify import verify

__all__ = [
    "BytesReport",
    "Damage",
    "Finding",
    "Freshness",
    "FreshnessLimits",
    "Health",
    "VerifyReport",
    "check_stored_bytes",
    "lake_freshness",
    "measure_freshness",
    "repair",
    "verify",
]
