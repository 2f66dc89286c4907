"""Statements of `test_fidelity.py` whose expected value is not Trino's, each with the cause.

An entry that is no longer needed fails `make test-trino`: remove it.
"""

CODE = "The local Athena refuses it, too, under another name."

KNOWN_DIFFERENCES = {
    "select [1, 2]": "Trino 476 reads it as an array. It is not known whether Athena does.",
    "select checksum(1)": "Trino has the function; the local Athena has not.",
    "select 1 || 'a'": CODE,
    "select * from '/etc/passwd'": CODE,
}
