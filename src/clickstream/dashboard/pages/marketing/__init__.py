"""The Marketing tab: what brings people, and whether it pays."""
