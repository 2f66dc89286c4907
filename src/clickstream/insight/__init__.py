"""What the counts mean for decisions: pure functions without access to the lake."""
