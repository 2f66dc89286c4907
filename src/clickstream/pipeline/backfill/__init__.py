"""Backfills: build ranges of hours again, also with new visitor ids past their replay window."""
