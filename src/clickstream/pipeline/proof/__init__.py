"""Proofs: verify published hours and stored bytes, repair them, and say how fresh the lake is."""
